// The TLS handshake with a client, before its session.
#pragma once

#include "metrics/registry.h"
#include "net/task.h"
#include "net/tcp.h"
#include "worker/client_connection.h"

namespace weir::front {

// Handshakes of all listeners, both sides' outcome; handles into the registry.
struct TlsMetrics {
  explicit TlsMetrics(metrics::Registry& registry);
  // Established handshakes: [TLS 1.3][resumed].
  metrics::Counter established[2][2];
  metrics::Counter timed_out, closed, refused, plain, too_many;
};

// True when `stream`, which is that of the arrival, speaks TLS from now on, with the listener's rules as of now.
// Otherwise the connection is of no more use; a client that speaks HTTP without TLS has been told so (400).
net::Task<bool> shake_hands(worker::Arrival& arrival, net::TcpStream& stream, const TlsMetrics& metrics);

}  // namespace weir::front
