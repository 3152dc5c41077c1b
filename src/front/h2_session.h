// A client's HTTP/2 connection: requests side by side, one exchange each.
#pragma once

#include "exchange/incoming.h"
#include "net/task.h"
#include "worker/tcp_connection.h"

namespace weir::front {

// Serves the connection until it ends. Never fails: whatever goes wrong ends the connection. Takes `arrival` over
// before it first suspends.
net::Task<void> serve_h2(worker::Arrival& arrival, net::TcpStream& stream);

// The same for a connection that has begun in HTTP/1, whose first bytes are in `incoming`: those of prior knowledge.
net::Task<void> continue_as_h2(worker::TcpConnection& client, exchange::Incoming& incoming);

}  // namespace weir::front
