// Facts of a client's established TLS connection, for requests on it and for the access log.
#pragma once

#include <optional>
#include <string_view>

#include "access_log/record.h"
#include "worker/client_facts.h"
#include "worker/snapshot.h"

namespace weir::worker {

// Whether a request for `authority` should not have come over this connection (421, RFC 9110 15.5.20): the client asked
// for another name by SNI, for which this listener shows other certificates, and the one it has seen is not good for
// this host. The last host that was allowed is remembered, in `client`.
bool is_misdirected(ClientFacts& client, const ListenerSnapshot& listener, std::uint32_t worker,
                    std::string_view authority);

// The TLS fields of this client for the access log; nothing without TLS. The views live as long as `client`.
std::optional<access_log::TlsRecord> tls_record(const ClientFacts& client);

}  // namespace weir::worker
