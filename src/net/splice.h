// Moving bytes from socket to socket inside the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "net/pipe.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::net {

// Follows a splice(), and decides how long a pause may last.
class SpliceOwner {
 public:
  // So many bytes have come from `from`, or have gone to `to`.
  virtual void taken(std::size_t /*bytes*/) {}
  virtual void sent(std::size_t /*bytes*/) {}
  // `to` has no room: a wait for it begins, and is over.
  virtual void wait_begins() {}
  virtual void wait_ends() {}
  // There is nothing to take for now. Until when to wait; nothing: not at all.
  virtual std::optional<base::TimePoint> pause() = 0;

 protected:
  ~SpliceOwner() = default;
};

struct SpliceOptions {
  std::uint64_t bytes = UINT64_MAX;  // to move
  base::Nanoseconds patience;        // how long `to` may take nothing
  base::Side from_side;
  base::Side to_side;
};

enum class SpliceEnd : std::uint8_t {
  all,    // of the bytes that were to be moved
  ended,  // the stream has, before
  dry,    // the pause was too long
};

// Moves bytes between plain streams through an empty `pipe`, which is empty again unless an error is returned: as much
// at once as the pipe takes, since fewer and larger steps cost the kernel fewer segments and acknowledgements. Errors:
// those of the sockets, and {timeout} of `to`, with the side of the stream; {cancelled} within a pause, with side ours.
Task<base::Result<SpliceEnd>> splice(Pipe& pipe, TcpStream& from, TcpStream& to, SpliceOptions options,
                                     SpliceOwner& owner);

}  // namespace weir::net
