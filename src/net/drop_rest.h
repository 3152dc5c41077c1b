// The end of a connection whose peer may still be sending.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/function.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::net {

// How long a peer is waited for that goes on sending, or has not taken yet what was written.
struct RestBounds {
  base::Nanoseconds time;  // in all
  std::size_t bytes;       // that it may send
  // In each window it must send `least_bytes`, or take some of what it has not taken yet. 0: there is no such rule.
  base::Nanoseconds window{0};
  std::size_t least_bytes = 0;
  // Asked after each wait; `silent`: it has ended without a byte. False ends it; null: nobody ends it.
  const base::FunctionRef<bool(bool silent)>* goes_on = nullptr;
};

// Ends the writing side and drops what still comes, until the peer ends or a bound is reached. A close while bytes of
// the peer are unread, and the answer to any that come after it, is a reset, which makes kernels throw away what the
// peer has not taken yet (RFC 9112 9.6). Holds no buffer while it waits. Close the stream afterwards.
Task<void> drop_rest(TcpStream& stream, RestBounds bounds);

}  // namespace weir::net
