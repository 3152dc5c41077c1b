// Accepting client connections on one worker.
#pragma once

#include "base/ip.h"
#include "front/open_listener.h"
#include "net/listener.h"
#include "net/task.h"
#include "worker/worker.h"

namespace weir::front {

// Decides about accepted connections.
class Placer {
 public:
  // Takes over `fd`, a new connection of `listener`. Throws bad_alloc when only a line of the log is missing for it.
  virtual void place(OpenListener& listener, int fd, const base::SocketAddress& peer) = 0;

 protected:
  ~Placer() = default;
};

// Accepts until cancelled, then takes in what already waits in the queue and closes the listening socket.
net::Task<void> accept_connections(worker::Worker& worker, Placer& placer, OpenListener& open, net::Listener listener);

}  // namespace weir::front
