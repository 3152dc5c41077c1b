// Requests with one value of a query parameter have one backend, for clients that carry a session in their URLs; those
// without the parameter go by the client's address.
#include "http/query.h"

#include <string>

#include "persist/named_value.h"

namespace weir::persist {
namespace {

std::string_view parameter_value(const http::RequestHead& request, std::string_view name) {
  return http::find_parameter(request.query, name).value_or(std::string_view());
}

constexpr ValuePlace kParameters{.word = "query parameter", .example = "session", .find = parameter_value};

const config::OptionSpec& parameter_option() {
  static const config::OptionSpec kName = name_option("the query parameter; must be given");
  return kName;
}

}  // namespace

std::span<const config::OptionSpec> query_options() { return std::span(&parameter_option(), 1); }

std::vector<config::OptionFault> query_faults(const config::Choice& choice) {
  return name_faults(choice, parameter_option(), kParameters);
}

std::unique_ptr<Method> make_query(const config::Choice& choice, const MethodSetting& setting) {
  return by_named_value(kParameters, config::option_or_default<std::string>(choice, parameter_option()),
                        setting.backends);
}

}  // namespace weir::persist
