// One link of an attempt to its backend, whichever HTTP version carries it: a connection of its own, or room for a
// stream on an HTTP/2 connection. Which of them it is, is decided here: by the pool's protocol, by what the backend has
// agreed to in its TLS handshake (ALPN), and by whether it takes tunnels.
#pragma once

#include <optional>

#include "config/config.h"
#include "net/task.h"
#include "upstream/connections.h"
#include "upstream/h2_links.h"

namespace weir::upstream {

// The upgrade that the request asks for.
enum class Tunnel : std::uint8_t { none, websocket, other };

struct LinkRequest {
  AcquireOptions options;
  config::PoolProtocol protocol = config::PoolProtocol::http_1_1;
  Tunnel tunnel = Tunnel::none;
};

// Either of them. A stream must be opened on `h2` before its owner suspends again.
struct Link {
  Lease lease{};         // HTTP/1.1
  H2Link* h2 = nullptr;  // HTTP/2, which knows no tunnels but WebSockets
};

// One that is ready, without waiting: the way of nearly every request. Nothing: acquire_link().
std::optional<Link> take_link(Connections& connections, H2Links& h2_links, const LinkRequest& request);

// Errors are those of Connections::acquire(), and kNoWebSockets. With `h2` as the pool's only protocol the link may be
// one that takes no tunnels.
net::Task<base::Result<Link>> acquire_link(Connections& connections, H2Links& h2_links, LinkRequest request);

// For a WebSocket that its backend does not take: the backend did nothing wrong, and others of its pool would refuse
// too.
inline constexpr base::Error kNoWebSockets{
    .code = base::ErrorCode::not_found, .side = base::Side::client, .what = "WebSockets are not offered here."};

}  // namespace weir::upstream
