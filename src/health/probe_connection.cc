#include "health/probe_connection.h"

#include <fmt/format.h>

#include "tls/connect.h"

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

net::Task<std::string> make_secure(net::TcpStream& stream, const CheckTarget& target, std::string_view protocol,
                                   base::TimePoint deadline) {
  tls::ConnectOptions options{.contexts = target.tls,
                              .thread = static_cast<std::uint32_t>(target.tls->of_thread.size() - 1),
                              .host = std::string(target.host),
                              .peer = net::remote_address(stream.fd()).to_string(),
                              .alpn = {std::string(protocol)},
                              .deadline = deadline};
  base::Result<void> secured = co_await tls::connect(stream, std::move(options));
  if (secured) co_return std::string();
  if (secured.error().code == base::ErrorCode::protocol) {
    co_return fmt::format("TLS handshake: {}", secured.error().what);
  }
  co_return describe_failure(secured.error(), "TLS handshake", "the TLS handshake", target.timeout);
}

std::string describe_failure(const base::Error& error, std::string_view doing, std::string_view awaited,
                             base::Nanoseconds timeout) {
  if (error.code != base::ErrorCode::timeout) return fmt::format("{}: {}", doing, base::name(error.code));
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  if (ms % 1000 == 0) return fmt::format("timeout after {} s waiting for {}", ms / 1000, awaited);
  return fmt::format("timeout after {} ms waiting for {}", ms, awaited);
}

}  // namespace weir::health
