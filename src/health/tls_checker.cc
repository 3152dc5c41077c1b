// Shakes hands, as if there were no session to resume, and looks at the certificate that the backend shows.
#include <array>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <utility>

#include "base/try.h"
#include "health/checker.h"
#include "health/probe_connection.h"
#include "health/probe_stream.h"
#include "tls/connect.h"

namespace weir::health {

std::span<const config::OptionSpec> tls_checker_options();
std::vector<config::OptionFault> tls_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_tls_checker(const config::Choice& choice);

namespace {

constexpr std::int64_t kDay = 86'400;

class TlsChecker final : public Checker {
 public:
  explicit TlsChecker(std::int64_t min_days) : min_days_(min_days) {}

  net::Task<CheckResult> check(CheckTarget target) override {
    ProbeStream stream(target);
    std::string found;
    Probed outcome = co_await shake_hands(stream, target);
    if (outcome) outcome = look_at_certificate(stream, found);
    base::Nanoseconds latency = stream.elapsed();
    co_await stream.close();
    CheckResult result = CheckResult::of(std::move(outcome), latency);
    result.detail = std::move(found);
    co_return result;
  }

 private:
  static net::Task<Probed> shake_hands(ProbeStream& stream, const CheckTarget& target) {
    WEIR_CO_TRY(co_await stream.open());
    if (target.tls == nullptr) co_return failed("the check has no TLS: `tls` of the health check is off");
    co_return co_await make_secure(stream.stream(), target, {}, stream.deadline(), false);
  }

  Probed look_at_certificate(ProbeStream& stream, std::string& found) const {
    std::optional<std::int64_t> ends = tls::peer_certificate_ends(stream.stream());
    if (!ends) return failed("the backend shows no certificate");
    std::int64_t left = *ends - std::time(nullptr);
    // Whole days that are over or left; -1 as soon as it has ended.
    std::int64_t days = left >= 0 ? left / kDay : -1 - (-left - 1) / kDay;
    found = fmt::format("the certificate {} in {} day{} ({:%Y-%m-%d})", left >= 0 ? "ends" : "has ended", days,
                        days == 1 ? "" : "s", fmt::gmtime(static_cast<std::time_t>(*ends)));
    if (left < 0) {
      found = fmt::format("the certificate has ended on {:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(*ends)));
    }
    // Without verification a certificate may be as old as it likes, unless days are asked for.
    if (min_days_ > 0 && days < min_days_) return failed(fmt::format("{}, min_days is {}", found, min_days_));
    return {};
  }

  std::int64_t min_days_;
};

}  // namespace

std::span<const config::OptionSpec> tls_checker_options() {
  static const std::array<config::OptionSpec, 1> kSpecs = {{
      {.key = "min_days",
       .type = config::OptionType::integer,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 3650,
       .summary = "whole days that the backend's certificate must still be valid; 0: any"},
  }};
  return kSpecs;
}

std::vector<config::OptionFault> tls_checker_faults(const config::Choice&) { return {}; }

std::unique_ptr<Checker> make_tls_checker(const config::Choice& choice) {
  return std::make_unique<TlsChecker>(option_or_default<std::int64_t>(choice, tls_checker_options(), "min_days"));
}

}  // namespace weir::health
