// Accepting client connections on one worker.
#pragma once

#include "net/listener.h"
#include "net/task.h"
#include "proxy/worker.h"

namespace weir::proxy {

// Accepts until cancelled, then takes in what already waits in the queue and closes the listening socket.
net::Task<void> accept_connections(Worker& worker, Listening& listening, net::Listener listener);

}  // namespace weir::proxy
