#include "net/pipe.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

namespace weir::net {
namespace {

constexpr std::size_t kKeptPipes = 64;
constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

struct IdlePipes {
  std::vector<std::array<int, 2>> pipes;
  DescriptorBudget* budget = nullptr;
  void close_pipe(const std::array<int, 2>& ends) const {
    close(ends[0]);
    close(ends[1]);
    if (budget != nullptr) budget->give_back_pipe();
  }
  ~IdlePipes() {
    for (auto& ends : pipes) close_pipe(ends);
  }
};
thread_local IdlePipes idle;

}  // namespace

void Pipe::count_in(DescriptorBudget& budget) { idle.budget = &budget; }

base::Result<Pipe> Pipe::take() {
  if (idle.pipes.capacity() < kKeptPipes) idle.pipes.reserve(kKeptPipes);  // so that none is ever kept in vain
  if (!idle.pipes.empty()) {
    Pipe pipe(idle.pipes.back());
    idle.pipes.pop_back();
    return pipe;
  }
  if (idle.budget != nullptr && !idle.budget->take_pipe()) return base::fail(base::ErrorCode::exhausted, "pipe");
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) {
    int os_error = errno;
    if (idle.budget != nullptr) idle.budget->give_back_pipe();
    return base::fail_errno(os_error, "pipe");
  }
  // Above the limit of unprivileged users the default size stays.
  fcntl(ends[1], F_SETPIPE_SZ, kBytes);
  return Pipe(ends);
}

Pipe::~Pipe() {
  if (ends_[0] < 0) return;
  if (held_ == 0 && idle.pipes.size() < kKeptPipes) {
    idle.pipes.push_back(ends_);
    return;
  }
  idle.close_pipe(ends_);
}

ssize_t Pipe::fill(int socket, std::size_t at_most) {
  ssize_t got;
  do {
    got = splice(socket, nullptr, ends_[1], nullptr, at_most, kFlags);
  } while (got < 0 && errno == EINTR);
  if (got > 0) held_ += static_cast<std::size_t>(got);
  return got;
}

ssize_t Pipe::drain(int socket, bool more) {
  ssize_t sent;
  do {
    sent = splice(ends_[0], nullptr, socket, nullptr, held_, kFlags | (more ? SPLICE_F_MORE : 0));
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) held_ -= static_cast<std::size_t>(sent);
  return sent;
}

}  // namespace weir::net
