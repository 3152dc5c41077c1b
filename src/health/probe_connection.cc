#include "health/probe_connection.h"

#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "base/try.h"
#include "net/proxy_protocol.h"
#include "tls/connect.h"

namespace weir::health {

namespace {

std::string proxy_header(config::SendProxy version, const net::TcpStream& stream, const base::SocketAddress& address) {
  switch (version) {
    case config::SendProxy::off:
      return {};
    case config::SendProxy::v1:
      return net::proxy_header_v1({.source = net::local_address(stream.fd()), .destination = address});
    case config::SendProxy::v2:
      return net::proxy_header_local(false);
    case config::SendProxy::v2_checksum:
      return net::proxy_header_local(true);
  }
  return {};
}

}  // namespace

net::Task<base::Result<net::TcpStream>> connect_to(const CheckTarget& target, base::TimePoint deadline) {
  net::ConnectOptions options{target.address, deadline};
  WEIR_CO_TRY_TO(net::TcpStream stream, co_await net::connect(options));
  std::string header = proxy_header(target.proxy_protocol, stream, target.address);
  base::Nanoseconds left = deadline - net::Reactor::current().now();
  if (!header.empty()) WEIR_CO_TRY(co_await stream.write(header, left));
  co_return stream;
}

std::string authority_of(const CheckTarget& target) {
  const char* form = target.host.find(':') == std::string_view::npos ? "{}:{}" : "[{}]:{}";
  return fmt::format(fmt::runtime(form), target.host, target.address.port);
}

net::Task<Probed> make_secure(net::TcpStream& stream, const CheckTarget& target, std::vector<std::string> protocols,
                              base::TimePoint deadline, bool resumes) {
  tls::ConnectOptions options{.contexts = target.tls,
                              .thread = static_cast<std::uint32_t>(target.tls->of_thread.size() - 1),
                              .host = std::string(target.host),
                              .peer = net::remote_address(stream.fd()).to_string(),
                              .alpn = std::move(protocols),
                              .deadline = deadline,
                              .resumes = resumes};
  base::Result<void> secured = co_await tls::connect(stream, std::move(options));
  if (secured) co_return Probed();
  if (secured.error().code == base::ErrorCode::protocol) {
    co_return failed(fmt::format("TLS handshake: {}", secured.error().what));
  }
  co_return failed(secured.error(), "TLS handshake", "the TLS handshake", target.timeout);
}

std::unexpected<Failure> failed(const base::Error& error, std::string_view doing, std::string_view awaited,
                                base::Nanoseconds timeout) {
  if (error.code == base::ErrorCode::exhausted) {
    std::string words = fmt::format("{}: {}", doing, base::name(error.code));
    if (error.os_error != 0) words += fmt::format(": {}", std::strerror(error.os_error));
    return std::unexpected(Failure{.text = std::move(words), .is_ours = true});
  }
  if (error.code != base::ErrorCode::timeout) return failed(fmt::format("{}: {}", doing, base::name(error.code)));
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  if (ms % 1000 == 0) return failed(fmt::format("timeout after {} s waiting for {}", ms / 1000, awaited));
  return failed(fmt::format("timeout after {} ms waiting for {}", ms, awaited));
}

}  // namespace weir::health
