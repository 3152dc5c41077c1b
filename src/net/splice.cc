#include "net/splice.h"

#include <algorithm>
#include <cerrno>

#include "net/wait.h"

namespace weir::net {

namespace {

std::unexpected<base::Error> failed(base::Side side) {
  return std::unexpected(base::fail_errno(errno, "splice").error().on(side));
}

}  // namespace

Task<base::Result<SpliceEnd>> splice(Pipe& pipe, TcpStream& from, TcpStream& to, SpliceOptions options,
                                     SpliceOwner& owner) {
  std::uint64_t left = options.bytes;
  while (left > 0) {
    ssize_t got = -1;
    if (from.descriptor().readable) {
      got = pipe.fill(from.fd(), std::min<std::uint64_t>(left, Pipe::kBytes));
      if (got == 0) co_return SpliceEnd::ended;
      if (got < 0 && errno != EAGAIN) co_return failed(options.from_side);
    }
    if (got < 0) {
      from.descriptor().readable = false;
      std::optional<base::TimePoint> until = owner.pause();
      if (!until) co_return SpliceEnd::dry;
      base::Result<void> ready = co_await from.wait_readable(*until);
      if (!ready && ready.error().code == base::ErrorCode::timeout) co_return SpliceEnd::dry;
      if (!ready) co_return std::unexpected(ready.error());
      continue;
    }
    left -= static_cast<std::uint64_t>(got);
    owner.taken(static_cast<std::size_t>(got));
    while (pipe.held() > 0) {
      if (!to.descriptor().writable) {
        owner.wait_begins();
        base::Result<void> ready = co_await to.wait_for_room(options.patience);
        owner.wait_ends();
        if (!ready) co_return std::unexpected(ready.error().on(options.to_side));
      }
      // More bytes follow at once where their number is known.
      bool more = options.bytes != UINT64_MAX && left > 0;
      ssize_t sent = pipe.drain(to.fd(), more);
      if (sent >= 0) {
        owner.sent(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        to.descriptor().writable = false;
      } else {
        co_return failed(options.to_side);
      }
    }
    // A pipe full is a turn (net/turn.h). Meanwhile the next piece grows.
    if (left > 0) co_await yield();
  }
  co_return SpliceEnd::all;
}

}  // namespace weir::net
