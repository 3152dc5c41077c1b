// Opens a connection, makes TLS of it where the pool has TLS, and closes it again.
#include <fmt/format.h>

#include "health/checker.h"
#include "health/probe_connection.h"

namespace weir::health {

std::span<const config::OptionSpec> tcp_checker_options();
std::vector<config::OptionFault> tcp_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_tcp_checker(const config::Choice& choice);

namespace {

class TcpChecker final : public Checker {
 public:
  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    base::TimePoint deadline = net::Reactor::current().now() + target.timeout;
    base::Result<net::TcpStream> stream = co_await connect_to(target, deadline);
    Failure failure;
    if (stream) {
      // No protocol is offered (ALPN): none is spoken.
      if (target.tls != nullptr) failure = co_await make_secure(*stream, target, {}, deadline);
      // A reset, so that thousands of probes leave no sockets in TIME_WAIT.
      stream->abort();
    } else {
      failure = describe_failure(stream.error(), "connect", "the connection", target.timeout);
    }
    co_return CheckResult::of(std::move(failure), base::now() - began);
  }
};

}  // namespace

std::span<const config::OptionSpec> tcp_checker_options() { return {}; }

std::vector<config::OptionFault> tcp_checker_faults(const config::Choice&) { return {}; }

std::unique_ptr<Checker> make_tcp_checker(const config::Choice&) { return std::make_unique<TcpChecker>(); }

}  // namespace weir::health
