// Why TLS failed, for the operator of a load balancer: OpenSSL's own words name neither the side nor the key to change.
#pragma once

namespace weir::tls {

inline constexpr char kNoAnswer[] = "TLS handshake: no answer within timeouts.connect";

// Static text for `code` of OpenSSL's error queue, met by the server's side of a connection or the client's.
const char* words_for_error(unsigned long code, bool is_server);
// The same for a backend's certificate and the result of its verification.
const char* words_for_backend_certificate(long verified);

}  // namespace weir::tls
