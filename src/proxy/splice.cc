#include "proxy/splice.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace weir::proxy {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;

constexpr int kPipeBytes = 256 * 1024;
constexpr std::size_t kKeptPipes = 64;
constexpr int kRoundsPerTurn = 16;

// A pipe of this thread's; kept for the next body when it ended empty.
class Pipe {
 public:
  static base::Result<Pipe> take() {
    std::vector<std::array<int, 2>>& kept = idle_pipes();
    if (!kept.empty()) {
      Pipe pipe(kept.back());
      kept.pop_back();
      return pipe;
    }
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return base::fail_errno(errno, "pipe");
    // Above the limit of unprivileged users the default size stays, which only costs speed.
    fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
    return Pipe(ends);
  }
  Pipe(Pipe&& other) noexcept : ends_(std::exchange(other.ends_, {-1, -1})), held(std::exchange(other.held, 0)) {}
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe() {
    if (ends_[0] < 0) return;
    std::vector<std::array<int, 2>>& kept = idle_pipes();
    if (held == 0 && kept.size() < kKeptPipes) {
      kept.push_back(ends_);
      return;
    }
    close(ends_[0]);
    close(ends_[1]);
  }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }

 private:
  struct IdlePipes {
    std::vector<std::array<int, 2>> pipes;
    ~IdlePipes() {
      for (auto& ends : pipes) close(ends[0]), close(ends[1]);
    }
  };
  static std::vector<std::array<int, 2>>& idle_pipes() {
    thread_local IdlePipes idle;
    return idle.pipes;
  }
  explicit Pipe(std::array<int, 2> ends) : ends_(ends) {}
  std::array<int, 2> ends_;

 public:
  std::uint64_t held = 0;  // bytes in it
};

std::unexpected<Error> failure(Error error, Side side) { return std::unexpected(error.on(side)); }

constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

net::Task<base::Result<void>> splice_body(net::TcpStream& from, net::TcpStream& to, std::uint64_t bytes,
                                          base::Nanoseconds patience, std::uint64_t& moved) {
  base::Result<Pipe> pipe = Pipe::take();
  if (!pipe) co_return std::unexpected(pipe.error());
  std::uint64_t unread = bytes;
  int rounds = 0;
  while (unread > 0 || pipe->held > 0) {
    base::TimePoint deadline = net::Reactor::current().now() + patience;
    if (pipe->held == 0 && !from.descriptor().readable) {
      base::Result<void> ready = co_await from.wait_readable(deadline);
      if (!ready) co_return failure(ready.error(), Side::backend);
    }
    if (unread > 0 && pipe->held == 0) {
      ssize_t got =
          splice(from.fd(), nullptr, pipe->write_end(), nullptr, std::min<std::uint64_t>(unread, kPipeBytes), kFlags);
      if (got == 0)
        co_return failure(Error{.code = ErrorCode::closed, .what = "the body ended too early"}, Side::backend);
      if (got < 0 && errno == EAGAIN) {
        from.descriptor().readable = false;
        continue;
      }
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) co_return failure(base::fail_errno(errno, "splice").error(), Side::backend);
      unread -= static_cast<std::uint64_t>(got);
      pipe->held += static_cast<std::uint64_t>(got);
    }
    if (!to.descriptor().writable) {
      base::Result<void> ready = co_await to.wait_writable(deadline);
      if (!ready) co_return failure(ready.error(), Side::client);
    }
    unsigned more = unread > 0 ? SPLICE_F_MORE : 0;
    ssize_t sent = splice(pipe->read_end(), nullptr, to.fd(), nullptr, pipe->held, kFlags | more);
    if (sent < 0 && errno == EAGAIN) {
      to.descriptor().writable = false;
    } else if (sent < 0 && errno != EINTR) {
      co_return failure(base::fail_errno(errno, "splice").error(), Side::client);
    } else if (sent > 0) {
      pipe->held -= static_cast<std::uint64_t>(sent);
      moved += static_cast<std::uint64_t>(sent);
    }
    if (++rounds % kRoundsPerTurn == 0) co_await net::yield();
  }
  co_return base::Result<void>();
}

}  // namespace weir::proxy
