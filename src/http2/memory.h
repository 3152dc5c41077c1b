// Where nghttp2's objects live.
#pragma once

#include <nghttp2/nghttp2.h>

namespace weir::http2 {

// The thread's free lists (base/free_list.h): nghttp2 makes and frees a dozen small objects a stream. A session that
// was made with it must be used and freed on the thread that made it. Never null.
nghttp2_mem* memory();

}  // namespace weir::http2
