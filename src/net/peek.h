// Looking at what a peer has sent without taking it: what is not meant for us stays for whoever reads next.
#pragma once

#include <span>

#include "base/error.h"
#include "net/tcp.h"

namespace weir::net {

// Copies what has arrived on a plain `stream`, as much as fits, and says how much; 0: nothing yet. Error{closed} at the
// end of the stream, or one of reading.
base::Result<std::size_t> peek(TcpStream& stream, std::span<char> into);
// After a peek() that showed too little: waits for more. Error{closed} when no more will come, {timeout}, {cancelled}.
Task<base::Result<void>> wait_for_more(TcpStream& stream, base::TimePoint deadline);
// Takes `bytes` that peek() has shown.
base::Result<void> take_peeked(TcpStream& stream, std::size_t bytes);

}  // namespace weir::net
