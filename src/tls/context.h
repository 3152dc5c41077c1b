// The settings that all contexts of OpenSSL have, whichever side.
#pragma once

#include "tls/library.h"

namespace weir::tls {

// TLS from `min_version` to 1.3; in 1.2 only ECDHE with AEAD ciphers, X25519 before the other curves; no renegotiation,
// no compression; buffers are given back while a connection is idle, and reading is ahead. Never null.
OwnedContext new_context(Library& library, const SSL_METHOD* method, int min_version);

}  // namespace weir::tls
