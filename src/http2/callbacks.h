// How nghttp2 tells a connection of its events.
#pragma once

#include <nghttp2/nghttp2.h>

namespace weir::http2 {

// Those of every session, whose user data is its Connection. Made once and never changed; any thread.
const nghttp2_session_callbacks* callbacks();

}  // namespace weir::http2
