// The end of a connection whose peer may still be sending.
#pragma once

#include "base/clock.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::net {

// Ends the writing side of a plain `stream` and drops what still comes, until the peer ends, `most_bytes` have come or
// `patience` is over. Closing at once would answer bytes that were not read, or come later, by a reset, which can take
// what was written last from the peer. Close the stream afterwards.
Task<void> drop_rest(TcpStream& stream, base::Nanoseconds patience, std::size_t most_bytes);

}  // namespace weir::net
