// The end of a connection whose client may still be sending.
#pragma once

#include "net/task.h"

namespace weir::worker {
class TcpConnection;
}

namespace weir::front {

// Says that no more will be written, then reads and forgets what comes until the client has closed, neither sends nor
// takes any more, or a bound is reached (of time, of bytes, of connections that do this on the worker). A close while
// bytes of the client are unread, and the answer to any that come after it, is a reset, which makes kernels throw away
// what the client has not taken yet (RFC 9112 9.6).
net::Task<void> linger(worker::TcpConnection& client);

}  // namespace weir::front
