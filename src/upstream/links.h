// A worker's links to backends, and the choice among them. One link of an attempt is a connection of its own, or room
// for a stream on an HTTP/2 connection. Which of them it is, is decided here: by the pool's protocol, by what the
// backend has agreed to in its TLS handshake (ALPN), and by whether it takes tunnels.
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

// One per worker, which alone calls it.
class Links {
 public:
  // `descriptors` says how many connections there may be, over all workers, and outlives them; null: any number.
  Links(std::uint32_t worker, http2::Shared& shared, net::DescriptorBudget* descriptors = nullptr);
  // This worker as the others reach it; `reactor` is its own.
  Peer as_peer(net::Reactor& reactor) { return {&reactor, &places_, &opener_, &connections_, &h2_}; }
  // All workers, by index; before any worker runs, and alive as long as they are.
  void set_peers(std::span<const Peer> peers);
  void set_address_source(Opener::AddressSource source) { opener_.set_address_source(std::move(source)); }

  Connections& connections() { return connections_; }
  H2Links& h2() { return h2_; }

  // One that is ready, without waiting: the way of nearly every request. Nothing: acquire().
  std::optional<Link> take(const LinkRequest& request);
  // Errors are those of Connections::acquire() and H2Links::acquire(), and kNoWebSockets. With `h2` as the pool's only
  // protocol the link may be one that takes no tunnels.
  net::Task<base::Result<Link>> acquire(LinkRequest request);

  // The snapshot has changed: what is idle ends where the backend takes no new work, and addresses may be known now.
  void follow_snapshot();

 private:
  PlaceSemaphore places_;
  Opener opener_;
  Connections connections_;
  H2Links h2_;
};

// For a WebSocket that its backend does not take: the backend did nothing wrong, and others of its pool would refuse
// too.
inline constexpr base::Error kNoWebSockets{
    .code = base::ErrorCode::not_found, .side = base::Side::client, .what = "WebSockets are not offered here."};

}  // namespace weir::upstream
