// Reads what a client sends before TLS and its session: a PROXY header, or the hello of a TLS client that passes
// through.
#pragma once

#include "net/task.h"
#include "net/tcp.h"
#include "worker/client_connection.h"

namespace weir::front {

// Reads the PROXY header where `rule` asks for one and `trusted` peers may send one; then arrival.facts.peer is the
// client. False when the connection must end: it was counted as refused.
net::Task<bool> read_proxy_header(worker::Arrival& arrival, net::TcpStream& stream, config::AcceptProxy rule,
                                  bool trusted, base::Nanoseconds patience);

// Looks at the hello of a TLS client, which stays in the socket; arrival.facts.hello() tells of it. False as above.
net::Task<bool> read_client_hello(worker::Arrival& arrival, net::TcpStream& stream, base::Nanoseconds patience);

}  // namespace weir::front
