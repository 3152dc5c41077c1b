// Strict-Transport-Security: browsers ask for this host by https only.
#include <array>
#include <fmt/format.h>

#include "filter/filter.h"

namespace weir::filter {
namespace {

using config::OptionSpec;
using config::OptionType;

constexpr std::string_view kField = "strict-transport-security";

enum Key : std::size_t { max_age, include_subdomains, preload };

const std::array<OptionSpec, 3>& options() {
  static const std::array<OptionSpec, 3> kOptions{{
      {.key = "max_age",
       .type = OptionType::duration,
       .default_value = config::Duration(std::chrono::hours(24 * 365)),
       .min = 0,
       .max = 10.0 * 365 * 86'400'000,
       .summary = "how long browsers remember it; 0s: they forget it"},
      {.key = "include_subdomains",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "for all hosts below this one as well"},
      {.key = "preload",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "agree to be in the lists that browsers bring with them"},
  }};
  return kOptions;
}

class Hsts final : public Filter {
 public:
  explicit Hsts(const config::Choice& choice) {
    auto age = config::option_or_default<config::Duration>(choice, options()[max_age]);
    value_ =
        fmt::format("max-age={}{}{}", std::chrono::duration_cast<std::chrono::seconds>(age).count(),
                    config::option_or_default<bool>(choice, options()[include_subdomains]) ? "; includeSubDomains" : "",
                    config::option_or_default<bool>(choice, options()[preload]) ? "; preload" : "");
  }
  Verdict on_request(Request&, Memory&) const override { return Verdict::pass(); }
  void on_response(const Response& response, Memory&) const override { response.edit.set(kField, value_); }

 private:
  std::string value_;
};

}  // namespace

std::span<const OptionSpec> hsts_options() { return options(); }
std::vector<config::OptionFault> hsts_faults(const config::Choice&) { return {}; }
std::string_view hsts_sample() { return "{max_age: 365d, include_subdomains: true}"; }
std::shared_ptr<const Filter> make_hsts(const config::Choice& choice, const Setting&) {
  return std::make_shared<Hsts>(choice);
}

}  // namespace weir::filter
