// Requests with one value of a query parameter have one backend, for clients that carry a session in their URLs; those
// without the parameter go by the client's address.
#include "http/query.h"

#include <fmt/format.h>
#include <utility>

#include "base/hash.h"
#include "config/text_rules.h"
#include "persist/key_table.h"
#include "persist/method.h"

namespace weir::persist {
namespace {

const config::OptionSpec& name_option() {
  static const config::OptionSpec kName{.key = "name",
                                        .type = config::OptionType::text,
                                        .default_value = std::string(),
                                        .summary = "the query parameter; must be given"};
  return kName;
}

class Query final : public Method {
 public:
  Query(std::string name, const pool::BackendSet& backends) : name_(std::move(name)), table_(backends) {}

  Match find(const Client& client) const override {
    if (client.request == nullptr) return {};
    std::string_view value = http::find_parameter(client.request->query, name_).value_or(std::string_view());
    return {.index = table_.find(value.empty() ? client.address_hash : base::hash_text(value))};
  }
  std::string known_by() const override { return "the query parameter " + name_; }

 private:
  std::string name_;
  KeyTable table_;
};

}  // namespace

std::span<const config::OptionSpec> query_options() { return std::span(&name_option(), 1); }

std::vector<config::OptionFault> query_faults(const config::Choice& choice) {
  std::string name = config::option_or_default<std::string>(choice, name_option());
  if (name.empty()) return {{.key = "name", .message = "a query parameter needs its name, such as session"}};
  if (config::is_token(name)) return {};
  return {{.key = "name", .message = fmt::format("{} cannot be the name of a parameter", config::quoted(name))}};
}

std::unique_ptr<Method> make_query(const config::Choice& choice, const MethodSetting& setting) {
  return std::make_unique<Query>(config::option_or_default<std::string>(choice, name_option()), setting.backends);
}

}  // namespace weir::persist
