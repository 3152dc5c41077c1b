// Opens a connection, makes TLS of it where the pool has TLS, and closes it again in an orderly way.
#include <fmt/format.h>

#include "health/checker.h"
#include "health/probe_connection.h"
#include "net/drop_rest.h"

namespace weir::health {

std::span<const config::OptionSpec> tcp_checker_options();
std::vector<config::OptionFault> tcp_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_tcp_checker(const config::Choice& choice);

namespace {

// Servers log a reset as an error: the probe ends its side first and gives the server this long to end its own.
constexpr net::RestBounds kGoodbye{.time = std::chrono::milliseconds(100), .bytes = 4096};

class TcpChecker final : public Checker {
 public:
  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    base::TimePoint deadline = net::Reactor::current().now() + target.timeout;
    base::Result<net::TcpStream> stream = co_await connect_to(target, deadline);
    base::Nanoseconds latency = base::now() - began;
    Probed outcome;
    if (stream) {
      // No protocol is offered (ALPN): none is spoken.
      if (target.tls != nullptr) outcome = co_await make_secure(*stream, target, {}, deadline);
      latency = base::now() - began;
      co_await net::drop_rest(*stream, kGoodbye);
    } else {
      outcome = failed(stream.error(), "connect", "the connection", target.timeout);
    }
    co_return CheckResult::of(std::move(outcome), latency);
  }
};

}  // namespace

std::span<const config::OptionSpec> tcp_checker_options() { return {}; }

std::vector<config::OptionFault> tcp_checker_faults(const config::Choice&) { return {}; }

std::unique_ptr<Checker> make_tcp_checker(const config::Choice&) { return std::make_unique<TcpChecker>(); }

}  // namespace weir::health
