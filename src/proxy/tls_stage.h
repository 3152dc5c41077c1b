// The TLS handshake with a client, before its session.
#pragma once

#include "metrics/registry.h"
#include "net/task.h"
#include "proxy/access_record.h"
#include "proxy/client_connection.h"

namespace weir::proxy {

// Handshakes of all listeners, both sides' outcome; handles into the registry.
struct TlsMetrics {
  explicit TlsMetrics(metrics::Registry& registry);
  // Established handshakes: [TLS 1.3][resumed].
  metrics::Counter established[2][2];
  metrics::Counter timed_out, closed, refused, plain, too_many;
};

// True when the arrival's stream speaks TLS from now on, with the listener's rules as of now. Otherwise the connection
// is of no more use; a client that speaks HTTP without TLS has been told so (400).
net::Task<bool> shake_hands(Arrival& arrival);

// Whether a request for `authority` should not have come over this connection (421, RFC 9110 15.5.20): the client asked for
// another name by SNI, for which this listener shows other certificates, and the one it has seen is not good for this
// host. The last host that was allowed is remembered, in client.facts.
bool is_misdirected(Arrival& client, const ListenerSnapshot& listener, std::string_view authority);

// What the access log says of TLS with this client; nothing without TLS. The views live as long as `client`.
std::optional<TlsRecord> tls_record(const Arrival& client);

}  // namespace weir::proxy
