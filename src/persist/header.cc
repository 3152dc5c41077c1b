// Requests with one value of a header have one backend; those without the header go by the client's address.
#include <fmt/format.h>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "config/text_rules.h"
#include "persist/key_table.h"
#include "persist/method.h"

namespace weir::persist {
namespace {

const config::OptionSpec& name_option() {
  static const config::OptionSpec kName{.key = "name",
                                        .type = config::OptionType::text,
                                        .default_value = std::string(),
                                        .summary = "the header; must be given"};
  return kName;
}

class Header final : public Method {
 public:
  Header(std::string name, const pool::BackendSet& backends) : name_(std::move(name)), table_(backends) {}

  Match find(const Client& client) const override {
    if (client.request == nullptr) return {};
    const http::HeaderField* field = client.request->headers.find(name_);
    bool has_key = field != nullptr && !field->value.empty();
    return {.index = table_.find(has_key ? base::hash_text(field->value) : client.address_hash)};
  }
  std::string known_by() const override { return "the header " + name_; }

 private:
  std::string name_;  // in lower case
  KeyTable table_;
};

}  // namespace

std::span<const config::OptionSpec> header_options() { return std::span(&name_option(), 1); }

std::vector<config::OptionFault> header_faults(const config::Choice& choice) {
  std::string name = config::option_or_default<std::string>(choice, name_option());
  if (name.empty()) return {{.key = "name", .message = "a header needs its name, such as x-session"}};
  if (config::is_token(name)) return {};
  return {{.key = "name", .message = fmt::format("{} cannot be the name of a header", config::quoted(name))}};
}

std::unique_ptr<Method> make_header(const config::Choice& choice, const MethodSetting& setting) {
  std::string name = base::to_lower(config::option_or_default<std::string>(choice, name_option()));
  return std::make_unique<Header>(std::move(name), setting.backends);
}

}  // namespace weir::persist
