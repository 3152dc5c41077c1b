#include "exchange/splice.h"

#include <algorithm>
#include <cerrno>

namespace weir::exchange {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;

std::unexpected<Error> failure(Error error, Side side) { return std::unexpected(error.on(side)); }

}  // namespace

net::Task<base::Result<void>> splice_body(net::Pipe& pipe, net::TcpStream& from, net::TcpStream& to,
                                          std::uint64_t bytes, base::Nanoseconds patience, Pace& pace,
                                          std::uint64_t& moved) {
  std::uint64_t unread = bytes;
  while (unread > 0 || pipe.held() > 0) {
    if (pipe.held() == 0 && !from.descriptor().readable) {
      base::Result<void> ready = co_await from.wait_readable(net::Reactor::current().now() + patience);
      if (!ready) co_return failure(ready.error(), Side::backend);
    }
    if (unread > 0 && pipe.held() == 0) {
      ssize_t got = pipe.fill(from.fd(), std::min<std::uint64_t>(unread, net::Pipe::kBytes));
      if (got == 0)
        co_return failure(Error{.code = ErrorCode::closed, .what = "the body ended too early"}, Side::backend);
      if (got < 0 && errno == EAGAIN) {
        from.descriptor().readable = false;
        continue;
      }
      if (got < 0) co_return failure(base::fail_errno(errno, "splice").error(), Side::backend);
      unread -= static_cast<std::uint64_t>(got);
    }
    if (!to.descriptor().writable) {
      net::WaitWritableOperation room = to.wait_for_room(patience);
      WaitForClient waiting(pace, room);
      base::Result<void> ready = co_await waiting;
      if (!ready) co_return failure(ready.error(), Side::client);
    }
    ssize_t sent = pipe.drain(to.fd(), unread > 0);
    if (sent < 0 && errno == EAGAIN) {
      to.descriptor().writable = false;
    } else if (sent < 0) {
      co_return failure(base::fail_errno(errno, "splice").error(), Side::client);
    } else {
      moved += static_cast<std::uint64_t>(sent);
    }
    // A pipe full is a turn (net/turn.h). Meanwhile the next piece grows: fewer and larger ones cost less.
    if (pipe.held() == 0 && unread > 0) co_await net::yield();
  }
  co_return base::Result<void>();
}

}  // namespace weir::exchange
