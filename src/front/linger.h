// The end of a connection whose client may still be sending.
#pragma once

#include "net/task.h"

namespace weir::worker {
class TcpConnection;
}

namespace weir::front {

// net::drop_rest() for clients, with bounds for a session: of time, of bytes, of progress, of connections that do this
// on the worker. A new client that needs the place ends it, and so does a listener that closes.
net::Task<void> linger(worker::TcpConnection& client);

}  // namespace weir::front
