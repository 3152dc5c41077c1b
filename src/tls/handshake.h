// Handshakes, both sides.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "net/task.h"
#include "net/tcp.h"
#include "tls/connection_facts.h"
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

// The protocol that both sides have agreed to by ALPN; empty: none. The view lives as long as the stream.
std::string_view protocol(const net::TcpStream& stream);

}  // namespace weir::tls
