#include "net/peek.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>

namespace weir::net {

using base::ErrorCode;

base::Result<std::size_t> peek(TcpStream& stream, std::span<char> into) {
  ssize_t got;
  do {
    got = recv(stream.fd(), into.data(), into.size(), MSG_PEEK);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return base::fail(ErrorCode::closed, "the peer sent nothing");
  if (errno == EAGAIN) return 0;
  return base::fail_errno(errno, "read");
}

Task<base::Result<void>> wait_for_more(TcpStream& stream, base::TimePoint deadline) {
  if (stream.descriptor().peer_finished) co_return base::fail(ErrorCode::closed, "the peer finished too early");
  // Every arrival is an event of its own, whether or not the last bytes were taken.
  stream.descriptor().readable = false;
  co_return co_await stream.wait_readable(deadline);
}

base::Result<void> take_peeked(TcpStream& stream, std::size_t bytes) {
  std::array<char, 4096> unused;
  while (bytes > 0) {
    ssize_t got = recv(stream.fd(), unused.data(), std::min(bytes, unused.size()), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_errno(errno, "read");
    if (got == 0) return base::fail(ErrorCode::closed, "read");
    bytes -= static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace weir::net
