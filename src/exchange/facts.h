// All that is known of a request before it is sent anywhere: constant from the moment its route is found.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "exchange/forwarded.h"
#include "http/forward.h"
#include "http/message.h"
#include "worker/client_connection.h"
#include "worker/timeouts.h"
#include "worker/worker.h"

namespace weir::exchange {

// Names no socket, so that tests can make one. Views live in the request's bytes, the arena or the snapshot.
struct Facts {
  bool has_call_deadline() const { return call_deadline != base::TimePoint::max(); }
  // Whether all tries together must end by some time.
  bool has_deadline() const { return has_call_deadline() || timeouts.request(); }
  std::string_view route_name() const { return route_config != nullptr ? route_config->name : std::string_view(); }
  std::string_view pool_name() const { return pool != nullptr ? pool->config->name : std::string_view(); }

  worker::SnapshotRef snapshot{};
  const worker::ListenerSnapshot* listener = nullptr;  // null: not ready yet
  std::uint32_t route = route::kNoRoute;
  const config::Route* route_config = nullptr;  // null without a route
  const worker::PoolSnapshot* pool = nullptr;   // null: Weir answers itself
  worker::TimeoutScopes timeouts{};

  base::TimePoint started{};
  std::string_view request_id{};
  Forwarded forwarded{};
  bool peer_trusted = false;
  const tls::ClientIdentity* certificate = nullptr;  // that the client has shown; null: none
  std::optional<http::MaxForwards> max_forwards{};   // to write instead of the one received, or to answer to
  bool is_call = false;                              // of gRPC
  base::TimePoint call_deadline = base::TimePoint::max();
};

// The steps that fill `facts`, in this order.

// Snapshot, listener, times, the client's address and the request id. Upgrades that no backend may be asked for are
// taken out of the request.
void begin(Facts& facts, const worker::ClientConnection& client, http::RequestHead& request, base::Arena& arena);
// The route that takes the request, its pool and timeouts.
void find_route(Facts& facts, const worker::ClientConnection& client, const http::RequestHead& request,
                base::Arena& arena);

}  // namespace weir::exchange
