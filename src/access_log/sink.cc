#include "access_log/sink.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::access_log {
namespace {

int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
}

bool is_standard(const std::string& path) { return path == "stdout" || path == "stderr"; }

}  // namespace

Sink::Kind Sink::kind_of(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return Kind::borrowed;
  if (S_ISREG(status.st_mode)) return Kind::file;
  if (S_ISSOCK(status.st_mode)) return Kind::socket;
  return Kind::borrowed;
}

base::Result<Sink> Sink::open(const std::string& path) {
  if (!is_standard(path)) {
    int fd = open_file(path);
    if (fd < 0) return base::fail_errno(errno, "open the access log");
    Kind kind = kind_of(fd);
    return Sink(path, fd, kind == Kind::borrowed ? Kind::stream : kind);
  }
  int standard = path == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
  Kind kind = kind_of(standard);
  if (kind == Kind::borrowed) {
    // O_NONBLOCK is a flag of the open file, which other processes share. Opened anew, it is ours alone.
    int own = ::open(fmt::format("/proc/self/fd/{}", standard).c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (own >= 0) return Sink(path, own, Kind::stream);
  }
  int copy = ::fcntl(standard, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return base::fail_errno(errno, "duplicate standard output for the access log");
  return Sink(path, copy, kind);
}

Sink::~Sink() {
  if (fd_ >= 0) ::close(fd_);
}

base::Result<std::size_t> Sink::write(std::string_view text) {
  if (text.empty()) return 0;
  if (torn_) {
    auto ended = write_some("\n");
    if (!ended || *ended == 0) return ended;
    torn_ = false;
    inside_line_ = false;
  }
  auto written = write_some(text);
  if (!written) {
    torn_ = inside_line_;
  } else if (*written > 0) {
    inside_line_ = text[*written - 1] != '\n';
  }
  return written;
}

base::Result<std::size_t> Sink::write_some(std::string_view text) const {
  std::size_t bytes = text.size();
  if (kind_ == Kind::borrowed) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) return 0;
    bytes = std::min<std::size_t>(bytes, PIPE_BUF);  // pipe(7): so much goes in without waiting once poll() says so
  }
  ssize_t written;
  do {
    written = kind_ == Kind::socket ? ::send(fd_, text.data(), bytes, MSG_DONTWAIT | MSG_NOSIGNAL)
                                    : ::write(fd_, text.data(), bytes);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  return base::fail_errno(errno, "write the access log");
}

base::Result<void> Sink::reopen() {
  if (is_standard(path_)) return {};
  int fd = open_file(path_);
  if (fd < 0) return base::fail_errno(errno, "open the access log again");
  ::close(std::exchange(fd_, fd));
  Kind kind = kind_of(fd_);
  kind_ = kind == Kind::borrowed ? Kind::stream : kind;
  inside_line_ = false;
  torn_ = false;
  return {};
}

}  // namespace weir::access_log
