// A TCP connection from client to backend: TCP listeners, and TLS ones that pass through.
#pragma once

#include "net/task.h"
#include "worker/tcp_connection.h"

namespace weir::front {

// Serves the connection until it ends. Never fails: whatever goes wrong ends the connection. For TaskGroup::spawn only:
// it takes `arrival` and `stream` over before it first suspends.
net::Task<void> serve_tcp(worker::Arrival& arrival, net::TcpStream& stream);

}  // namespace weir::front
