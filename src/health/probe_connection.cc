#include "health/probe_connection.h"

#include <fmt/format.h>

namespace weir::health {

net::Task<base::Result<net::TcpStream>> connect_to_any(std::span<const base::SocketAddress> addresses,
                                                       base::TimePoint deadline) {
  base::Result<net::TcpStream> stream = base::fail(base::ErrorCode::not_found, "connect");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    base::TimePoint now = net::Reactor::current().now();
    auto share = static_cast<base::Nanoseconds::rep>(addresses.size() - i);
    net::ConnectOptions options{addresses[i], now + (deadline - now) / share};
    stream = co_await net::connect(options);
    if (stream || stream.error().code == base::ErrorCode::cancelled) break;
  }
  co_return stream;
}

std::string describe_failure(const base::Error& error, std::string_view doing, std::string_view awaited,
                             base::Nanoseconds timeout) {
  if (error.code != base::ErrorCode::timeout) return fmt::format("{}: {}", doing, base::name(error.code));
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  if (ms % 1000 == 0) return fmt::format("timeout after {} s waiting for {}", ms / 1000, awaited);
  return fmt::format("timeout after {} ms waiting for {}", ms, awaited);
}

}  // namespace weir::health
