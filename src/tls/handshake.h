// Handshakes, both sides.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "net/task.h"
#include "net/tcp.h"
#include "tls/server_context.h"
#include "tls/stream.h"

namespace weir::tls {

enum class Accepted : std::uint8_t {
  established,
  plain_http,  // the client sent HTTP without TLS and waits for an answer; the stream is plain again
};

// The server's side on a connection that has sent nothing yet. The stream has its TLS afterwards, when it was
// established. After an error the client was told by an alert, where there is one. `context` must live as long as this
// task.
net::Task<base::Result<Accepted>> accept(net::TcpStream& stream, const ServerContext& context,
                                         base::TimePoint deadline);

// After plain_http, until the thread's next TLS operation: the first bytes that came.
std::string_view first_plain_bytes();

// The error in the client's certificate, if a handshake has failed for that; else null. Static text.
const char* refused_certificate(const net::TcpStream& stream);

// Results of a handshake. Views live as long as the stream; those of versions and ciphers for ever.
std::string_view version(const net::TcpStream& stream);      // "TLSv1.3"
std::string_view cipher(const net::TcpStream& stream);       // "TLS_AES_128_GCM_SHA256"
std::string_view server_name(const net::TcpStream& stream);  // of the client's SNI; empty: none
std::string_view protocol(const net::TcpStream& stream);     // by ALPN; empty: none
bool resumed(const net::TcpStream& stream);
bool is_version_1_3(const net::TcpStream& stream);

// Whether the certificate that the server's side has shown is good for this name or address (RFC 9110 4.3.4).
bool certificate_covers(const net::TcpStream& stream, std::string_view host);

// The facts in a client's verified certificate, ready for headers.
struct ClientIdentity {
  std::string subject;      // RFC 2253
  std::string common_name;  // common_name_of()
  std::string names;        // alternative_names()
  std::string fingerprint;  // SHA-256, hexadecimal
};
// Null when the client has shown none.
std::unique_ptr<const ClientIdentity> client_identity(const net::TcpStream& stream);

}  // namespace weir::tls
