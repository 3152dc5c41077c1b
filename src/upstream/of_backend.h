// One worker's connections to one backend; private to upstream.
#pragma once

#include <memory>

#include "base/intrusive_list.h"
#include "config/config.h"
#include "net/wait.h"
#include "pool/backend.h"
#include "upstream/connections.h"

namespace weir::upstream {

// An exchange that waits for a connection; lives in its coroutine's frame.
struct Queued final : base::ListHook<Queued> {
  net::Waiter waiter;
  // It was handed a connection, or the place of one, in which it must open another. Neither: something may have
  // come free, and it tries again.
  Connection* connection = nullptr;
  bool has_place = false;
  bool backend_left = false;  // or nothing will come any more
};

struct OfBackend {
  OfBackend(Connections& owner, std::shared_ptr<pool::Backend> which) : connections(owner), backend(std::move(which)) {}
  // Another backend may take over the slot.
  bool unused() const { return idle.empty() && busy.empty() && queue.empty() && acquiring == 0; }

  // Whether there are more connections than the pool wants by now: it may want fewer than before.
  bool has_surplus() const { return backend->places.has_surplus(max_connections); }

  Connections& connections;
  std::shared_ptr<pool::Backend> backend;
  config::UpstreamConnections settings;  // as of the last acquisition
  std::uint32_t max_connections = 0;     // likewise
  base::IntrusiveList<Connection> idle;  // most recently used first
  base::IntrusiveList<Connection> busy;
  base::IntrusiveList<Queued> queue;
  std::uint32_t acquiring = 0;  // coroutines that hold a reference to this
};

// Whether `stream` goes to one of the `wanted` addresses. `known` are those among which it was when it was last asked;
// only when they are others now the kernel is asked where it goes, and they are kept if all is well.
bool goes_to(net::TcpStream& stream, std::shared_ptr<const pool::Addresses>& known,
             const std::shared_ptr<const pool::Addresses>& wanted);

}  // namespace weir::upstream
