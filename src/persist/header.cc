// Requests with one value of a header have one backend; those without the header go by the client's address.
#include <string>

#include "base/text.h"
#include "persist/named_value.h"

namespace weir::persist {
namespace {

std::string_view header_value(const http::RequestHead& request, std::string_view name) {
  const http::HeaderField* field = request.headers.find(name);
  return field == nullptr ? std::string_view() : field->value;
}

constexpr ValuePlace kHeaders{.word = "header", .example = "x-session", .find = header_value};

const config::OptionSpec& header_option() {
  static const config::OptionSpec kName = name_option("the header; must be given");
  return kName;
}

}  // namespace

std::span<const config::OptionSpec> header_options() { return std::span(&header_option(), 1); }

std::vector<config::OptionFault> header_faults(const config::Choice& choice) {
  return name_faults(choice, header_option(), kHeaders);
}

std::unique_ptr<Method> make_header(const config::Choice& choice, const MethodSetting& setting) {
  std::string name = base::to_lower(config::option_or_default<std::string>(choice, header_option()));
  return by_named_value(kHeaders, std::move(name), setting.backends);
}

}  // namespace weir::persist
