// The opening handshake of a WebSocket where one side speaks HTTP/1 and the other HTTP/2 (RFC 6455 4,
// RFC 8441 5).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace weir::http {

// Sec-WebSocket-Accept for a Sec-WebSocket-Key: base64 of SHA-1 of the key and a fixed text (RFC 6455 4.2.2). In
// `arena`.
std::string_view websocket_accept(std::string_view key, base::Arena& arena);
// A Sec-WebSocket-Key of these 16 random bytes, in `arena`.
std::string_view websocket_key(std::uint64_t high, std::uint64_t low, base::Arena& arena);

}  // namespace weir::http
