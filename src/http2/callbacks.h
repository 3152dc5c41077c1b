// How nghttp2 tells a connection of its events.
#pragma once

#include <nghttp2/nghttp2.h>

namespace weir::http2 {

// The user data of every session is its Connection.
void set_callbacks(nghttp2_session_callbacks* callbacks);

}  // namespace weir::http2
