#include "persist/named_value.h"

#include <fmt/format.h>
#include <utility>

#include "base/hash.h"
#include "config/text_rules.h"
#include "persist/key_table.h"

namespace weir::persist {
namespace {

class NamedValue final : public Method {
 public:
  NamedValue(const ValuePlace& place, std::string name, const pool::BackendSet& backends)
      : place_(place), name_(std::move(name)), table_(backends) {}

  Match find(const Client& client) const override {
    if (client.request == nullptr) return {};
    std::string_view value = place_.find(*client.request, name_);
    return {.index = table_.find(value.empty() ? client.address_hash : base::hash_text(value))};
  }
  std::string known_by() const override { return fmt::format("the {} {}", place_.word, name_); }

 private:
  const ValuePlace& place_;
  std::string name_;
  KeyTable table_;
};

}  // namespace

config::OptionSpec name_option(std::string_view summary) {
  return {.key = "name", .type = config::OptionType::text, .default_value = std::string(), .summary = summary};
}

std::vector<config::OptionFault> name_faults(const config::Choice& choice, const config::OptionSpec& option,
                                             const ValuePlace& place) {
  std::string name = config::option_or_default<std::string>(choice, option);
  if (config::is_token(name)) return {};
  std::string why = name.empty() ? fmt::format("a {} needs its name, such as {}", place.word, place.example)
                                 : fmt::format("{} cannot be the name of a {}", config::quoted(name), place.word);
  return {{.key = "name", .message = std::move(why)}};
}

std::unique_ptr<Method> by_named_value(const ValuePlace& place, std::string name, const pool::BackendSet& backends) {
  return std::make_unique<NamedValue>(place, std::move(name), backends);
}

}  // namespace weir::persist
