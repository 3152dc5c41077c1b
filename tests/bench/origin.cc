// The backend of the benchmarks: answers GET /<size> (/0, /100, /64k, /1m) with so many bytes, keeps connections alive,
// discards request bodies that have a Content-Length. One thread, one recv and one send per request, so that the load
// generator and this program together need less of their core than the proxy between them needs of its own.
//
//   bench_origin PORT...      listens on every address of IPv4; prints "ready"; ends with its parent
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t kInline = 16 * 1024;  // bodies up to this travel with their head in one send
constexpr std::size_t kLargest = 256 << 20;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// A prepared response: `bytes` (head, and a small body), then `file_bytes` of the shared file of zeros.
struct Response {
  std::string bytes;
  std::size_t file_bytes = 0;
};

// A file in memory: sendfile() from it costs no copy.
int file_of_zeros() {
  static const int file = [] {
    const int fd = memfd_create("body", 0);
    if (fd < 0 || ftruncate(fd, kLargest) != 0) fail("memfd");
    return fd;
  }();
  return file;
}

std::size_t size_of_path(std::string_view path) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), size);
  if (error != std::errc{}) return 0;
  if (end != path.data() + path.size()) size *= *end == 'm' ? 1U << 20 : *end == 'k' ? 1U << 10 : 1U;
  return std::min(size, kLargest);
}

const Response& response_for(std::string_view path) {
  static std::map<std::string, Response, std::less<>> responses;
  if (const auto known = responses.find(path); known != responses.end()) return known->second;
  const std::size_t size = size_of_path(path);
  Response made;
  made.bytes = "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
               std::to_string(size) + "\r\n\r\n";
  if (size <= kInline) {
    made.bytes.append(size, 'x');
  } else {
    made.file_bytes = size;
  }
  return responses.emplace(path, std::move(made)).first->second;
}

bool starts_with_nocase(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && strncasecmp(text.data(), start.data(), start.size()) == 0;
}

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False when the connection is over.
  bool on_event() {
    if (!flush()) return false;
    return sending_ || receive();
  }

 private:
  bool receive() {
    static std::array<char, 64 * 1024> buffer;
    for (;;) {
      if (discard_ > 0) {
        const ssize_t count = recv(fd_, nullptr, std::min<std::size_t>(discard_, 1 << 20), MSG_TRUNC);
        if (count <= 0) return count < 0 && errno == EAGAIN;
        discard_ -= static_cast<std::size_t>(count);
        if (discard_ == 0 && !start(*pending_)) return false;
        if (sending_) return true;
        continue;
      }
      const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return count < 0 && errno == EAGAIN;
      std::string_view input(buffer.data(), static_cast<std::size_t>(count));
      if (!partial_.empty()) {
        partial_.append(input);
        input = partial_;
      }
      if (!answer_all(input)) return false;
      // Edge-triggered, but a buffer that was not filled has emptied the socket.
      if (sending_ || static_cast<std::size_t>(count) < buffer.size()) return true;
    }
  }

  // Answers every whole request of `input` and keeps the rest.
  bool answer_all(std::string_view input) {
    while (!sending_ && discard_ == 0) {
      const std::size_t end = input.find("\r\n\r\n");
      if (end == std::string_view::npos) break;
      const std::string_view head = input.substr(0, end + 2);
      input.remove_prefix(end + 4);
      if (!answer(head, input)) return false;
    }
    std::string rest(input);
    partial_ = std::move(rest);
    return true;
  }

  bool answer(std::string_view head, std::string_view& body) {
    const std::size_t path = head.find(' ');
    const std::size_t path_end = head.find(' ', path + 1);
    if (path == std::string_view::npos || path_end == std::string_view::npos) return false;
    pending_ = &response_for(head.substr(path + 1, path_end - path - 1));
    std::size_t length = 0;
    for (std::size_t line = head.find("\r\n") + 2; line < head.size(); line = head.find("\r\n", line) + 2) {
      const std::string_view field = head.substr(line);
      if (starts_with_nocase(field, "content-length: ")) length = std::strtoull(field.data() + 16, nullptr, 10);
      if (starts_with_nocase(field, "connection: close")) close_after_ = true;
    }
    const std::size_t here = std::min(length, body.size());
    body.remove_prefix(here);
    discard_ = length - here;
    return discard_ > 0 || start(*pending_);
  }

  bool start(const Response& response) {
    bytes_left_ = response.bytes;
    file_left_ = response.file_bytes;
    sending_ = true;
    return flush();
  }

  bool flush() {
    while (!bytes_left_.empty()) {
      const int more = file_left_ > 0 ? MSG_MORE : 0;
      const ssize_t count = send(fd_, bytes_left_.data(), bytes_left_.size(), MSG_NOSIGNAL | more);
      if (count < 0) return errno == EAGAIN;
      bytes_left_.remove_prefix(static_cast<std::size_t>(count));
    }
    while (file_left_ > 0) {
      off_t offset = 0;
      const ssize_t count = sendfile(fd_, file_of_zeros(), &offset, file_left_);
      if (count < 0) return errno == EAGAIN;
      file_left_ -= static_cast<std::size_t>(count);
    }
    if (!sending_) return true;
    sending_ = false;
    if (close_after_) return false;
    if (partial_.empty()) return true;
    const std::string rest = std::move(partial_);
    partial_.clear();
    return answer_all(rest);
  }

  int fd_;
  std::string partial_;
  const Response* pending_ = nullptr;
  std::size_t discard_ = 0;
  std::string_view bytes_left_;
  std::size_t file_left_ = 0;
  bool sending_ = false;
  bool close_after_ = false;
};

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(fd, 4096) != 0) fail("listen");
  return fd;
}

void accept_all(int epoll, int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>(fd);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = connection.release()}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGPIPE, SIG_IGN);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::map<void*, int> listeners;
  for (int i = 1; i < argc; ++i) {
    const int fd = listen_on(static_cast<std::uint16_t>(std::atoi(argv[i])));
    const auto at = listeners.emplace(argv[i], fd).first;
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = argv[i]}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, at->second, &event) != 0) fail("epoll_ctl");
  }
  std::puts("ready");
  std::fflush(stdout);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      void* tag = events[static_cast<std::size_t>(i)].data.ptr;
      if (const auto listener = listeners.find(tag); listener != listeners.end()) {
        accept_all(epoll, listener->second);
      } else if (auto* connection = static_cast<Connection*>(tag); !connection->on_event()) {
        delete connection;
      }
    }
  }
}
