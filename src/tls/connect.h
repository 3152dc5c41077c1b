// The client's side of a handshake: with a backend.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/task.h"
#include "net/tcp.h"
#include "tls/client_context.h"

namespace weir::tls {

struct ConnectOptions {
  std::shared_ptr<const ClientContexts> contexts{};
  std::uint32_t thread = 0;         // the calling one's place in contexts->of_thread
  std::string host{};               // asked for and checked, unless the pool names another
  std::string peer{};               // sessions are resumed with the same peer, asked for by the same name
  std::vector<std::string> alpn{};  // instead of the pool's; empty: that
  base::TimePoint deadline = base::TimePoint::max();
  bool resumes = true;  // false: a whole handshake, in which the peer shows the certificate that it has now
};

// Makes TLS of a connected stream. Errors: timeout, closed, reset, and protocol with the reason in `what`
// (tls/words.h); the side is backend, or ours for cancelled and exhausted. The stream is to be closed then.
net::Task<base::Result<void>> connect(net::TcpStream& stream, ConnectOptions options);

// Unix time at which the certificate that the peer has shown ends; nothing when it has shown none. Only for streams of
// connect().
std::optional<std::int64_t> peer_certificate_ends(const net::TcpStream& stream);

// The contexts that `stream` was connected with; null for a plain one. Only for streams of connect().
const ClientContexts* contexts_of(const net::TcpStream& stream);

}  // namespace weir::tls
