// The load generator of the benchmarks: one thread, epoll, HTTP/1.1. Closed loop (each connection sends its next
// request when it has the answer), open loop at a fixed rate, one connection per request, or idle connections.
// Every answer that is not a whole 200 counts as a failure. Latency runs from the moment the request could be sent: in
// the open loop a request that had to wait for a free connection counts from when it was due, so that a stalled proxy
// cannot hide the requests it held up.
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <signal.h>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "fmt/core.h"
#include "tests/bench/histogram.h"
#include "tests/bench/load_options.h"
#include "tests/bench/load_transport.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kPatience = 10 * kSecond;  // a request without an answer for so long has failed

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
}

// User and system time of a process so far, in seconds.
double cpu_seconds(int pid) {
  std::FILE* file = std::fopen(fmt::format("/proc/{}/stat", pid).c_str(), "r");
  if (file == nullptr) return 0;
  std::array<char, 1024> text{};
  const std::size_t size = std::fread(text.data(), 1, text.size() - 1, file);
  std::fclose(file);
  const std::size_t name_end = std::string_view(text.data(), size).rfind(')');
  if (name_end == std::string_view::npos) return 0;
  unsigned long user = 0;
  unsigned long system = 0;
  if (std::sscanf(text.data() + name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) !=
      2) {
    return 0;
  }
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Connection {
  int fd = -1;
  SSL* ssl = nullptr;  // null: plain
  bool busy = false;
  bool head_done = false;
  bool answered = false;  // has had a whole response: it is being reused
  std::uint64_t started = 0;
  std::string head;
  std::uint64_t body_left = 0;
  std::size_t sent = 0;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), connections_(options.connections) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    const std::string method = options.body_bytes > 0 ? "POST" : "GET";
    request_ = method + " " + options.path + " HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: load\r\nAccept: */*\r\n";
    if (options.body_bytes > 0) request_ += fmt::format("Content-Length: {}\r\n", options.body_bytes);
    request_ += options.close ? "Connection: close\r\n\r\n" : "\r\n";
    request_.append(options.body_bytes, 'x');
    if (options.tls) tls_.emplace(options.resume);
  }

  void run() {
    const std::uint64_t begin = now();
    const std::uint64_t measured_from = begin + static_cast<std::uint64_t>(options_.warmup_s * 1e9);
    const std::uint64_t end = measured_from + static_cast<std::uint64_t>(options_.seconds * 1e9);
    next_due_ = begin;
    for (Connection& connection : connections_) {
      if (options_.rate > 0) {
        idle_.push_back(&connection);
      } else {
        send_request(connection, now());
      }
    }
    bool measuring = false;
    for (std::uint64_t time = begin; time < end; time = now()) {
      if (!measuring && time >= measured_from) {
        measuring = true;
        reset_results(time);
      }
      if (options_.rate > 0) send_due(time);
      poll_once(time);
      if (time >= next_scan_) scan_for_lost(time);
    }
    finish(now());
  }

  // One request on each connection, 64 under way at a time; then holds them until standard input ends.
  void hold() {
    reset_results(now());
    std::size_t started = 0;
    const std::uint64_t give_up = now() + 120 * kSecond;
    while (histogram_.total() + failures_ < connections_.size() && now() < give_up) {
      while (started < connections_.size() && started < histogram_.total() + failures_ + 64) {
        send_request(connections_[started++], now());
      }
      poll_once(now());
    }
    finish(now());
    for (char byte = 0; read(STDIN_FILENO, &byte, 1) > 0;) {
    }
  }

 private:
  void reset_results(std::uint64_t time) {
    histogram_ = {};
    failures_ = 0;
    failure_kinds_.clear();
    bytes_ = 0;
    measured_from_ = time;
    cpu_before_.clear();
    for (const int pid : options_.watch_pids) cpu_before_.push_back(cpu_seconds(pid));
  }

  void finish(std::uint64_t time) const {
    std::string cpu;
    for (std::size_t i = 0; i < cpu_before_.size(); ++i) {
      cpu += fmt::format("{}{:.3f}", i > 0 ? "," : "", cpu_seconds(options_.watch_pids[i]) - cpu_before_[i]);
    }
    std::string kinds;
    for (const auto& [kind, count] : failure_kinds_) {
      kinds += fmt::format("{}\"{}\":{}", kinds.empty() ? "" : ",", kind, count);
    }
    fmt::print(
        "{{\"requests\":{},\"failures\":{},\"failure_kinds\":{{{}}},\"seconds\":{:.6f},\"bytes\":{},"
        "\"cpu_seconds\":[{}],\"latency_us\":{{\"mean\":{:.1f},\"p50\":{:.1f},\"p90\":{:.1f},\"p99\":{:.1f},"
        "\"p999\":{:.1f},\"max\":{:.1f}}},\"resumed\":{}}}\n",
        histogram_.total(), failures_, kinds, static_cast<double>(time - measured_from_) / 1e9, bytes_, cpu,
        histogram_.mean_us(), histogram_.quantile_us(0.5), histogram_.quantile_us(0.9), histogram_.quantile_us(0.99),
        histogram_.quantile_us(0.999), histogram_.max_us(), tls_ ? tls_->resumed() : 0);
    std::fflush(stdout);
  }

  void poll_once(std::uint64_t time) {
    std::array<epoll_event, 256> events;
    timespec wait{.tv_sec = 0, .tv_nsec = 10'000'000};
    if (options_.rate > 0) {
      const std::uint64_t left = next_due_ > time ? std::min<std::uint64_t>(next_due_ - time, 10'000'000) : 0;
      wait.tv_nsec = static_cast<long>(left);
    }
    const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int i = 0; i < count; ++i) on_event(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  // Open loop: sends what is due on idle connections; what finds none stays due.
  void send_due(std::uint64_t time) {
    while (next_due_ <= time && !idle_.empty()) {
      Connection& connection = *idle_.front();
      idle_.pop_front();
      // This program's own lateness (its timer, its core) is not the proxy's; waiting for a connection is.
      const bool waited = starved_;
      starved_ = false;
      send_request(connection, waited ? next_due_ : now());
      next_due_ += static_cast<std::uint64_t>(1e9 / options_.rate);
      time = now();
    }
    if (idle_.empty()) starved_ = true;
  }

  void scan_for_lost(std::uint64_t time) {
    next_scan_ = time + kSecond;
    for (Connection& connection : connections_) {
      if (connection.busy && connection.started + kPatience < time) fail(connection, "no answer for 10 s");
    }
  }

  void open(Connection& connection) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options_.close) {
      // Many short connections to one port: several source addresses, so that the ports of one do not run out.
      setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      sockaddr_in source{};
      source.sin_family = AF_INET;
      source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (source_++ % 8));
      if (bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) std::perror("bind");
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &connection}};
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
      std::perror("connect");
    }
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    connection.fd = fd;
    if (tls_) connection.ssl = tls_->open(fd);
    connection.answered = false;
  }

  void send_request(Connection& connection, std::uint64_t since) {
    connection.started = since;
    connection.busy = true;
    connection.head_done = false;
    connection.head.clear();
    connection.sent = 0;
    if (connection.fd < 0) open(connection);
    send_rest(connection);
  }

  // False when the connection is broken, as far as sending tells.
  bool send_rest(Connection& connection) {
    while (connection.sent < request_.size()) {
      const ssize_t count =
          send_some(connection.fd, connection.ssl, std::string_view(request_).substr(connection.sent));
      // Not connected yet, or full: an event follows. A plain socket that is broken says so when it is read.
      if (count < 0) return connection.ssl == nullptr || errno == EAGAIN;
      connection.sent += static_cast<std::size_t>(count);
    }
    return true;
  }

  void on_event(Connection& connection) {
    if (connection.fd < 0) return;
    if (connection.busy && connection.sent < request_.size() && !send_rest(connection)) {
      return fail(connection, "TLS failed");
    }
    if (connection.ssl != nullptr && connection.sent < request_.size()) return;  // still shaking hands
    receive(connection);
  }

  void receive(Connection& connection) {
    static std::array<char, 64 * 1024> buffer;
    for (;;) {
      // The rest of a large body is thrown away in the kernel.
      const bool discard = connection.ssl == nullptr && connection.head_done && connection.body_left > 0;
      const ssize_t count = discard ? recv(connection.fd, nullptr, connection.body_left, MSG_TRUNC)
                                    : receive_some(connection.fd, connection.ssl, buffer);
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) return on_closed(connection, count < 0);
      bytes_ += static_cast<std::uint64_t>(count);
      if (!connection.busy) return fail(connection, "bytes without a request");
      if (connection.head_done) {
        connection.body_left -= std::min(connection.body_left, static_cast<std::uint64_t>(count));
      } else if (!take_head(connection, {buffer.data(), static_cast<std::size_t>(count)})) {
        return;
      }
      if (connection.head_done && connection.body_left == 0) return done(connection);
      if (!discard && connection.ssl == nullptr && static_cast<std::size_t>(count) < buffer.size()) return;
    }
  }

  bool take_head(Connection& connection, std::string_view input) {
    if (!connection.head.empty()) {
      connection.head.append(input);
      input = connection.head;
    }
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (connection.head.empty()) connection.head = input;
      return true;
    }
    if (!input.starts_with("HTTP/1.1 200 ")) {
      fail(connection, "status " + std::string(input.substr(9, 3)));
      return false;
    }
    std::uint64_t length = UINT64_MAX;
    for (std::size_t line = input.find("\r\n") + 2; line < end; line = input.find("\r\n", line) + 2) {
      if (strncasecmp(input.data() + line, "content-length:", 15) == 0) {
        length = std::strtoull(input.data() + line + 15, nullptr, 10);
      }
    }
    const std::uint64_t here = input.size() - end - 4;
    if (length == UINT64_MAX || here > length) {
      fail(connection, "wrong length");
      return false;
    }
    connection.head_done = true;
    connection.body_left = length - here;
    return true;
  }

  void done(Connection& connection) {
    const std::uint64_t time = now();
    histogram_.add(time - connection.started);
    connection.busy = false;
    connection.answered = true;
    if (options_.close) shut(connection);
    next(connection, time);
  }

  void next(Connection& connection, std::uint64_t time) {
    if (options_.hold) return;
    if (options_.rate > 0) {
      idle_.push_back(&connection);
    } else {
      send_request(connection, time);
    }
  }

  void on_closed(Connection& connection, bool reset) {
    if (connection.busy) return fail(connection, reset ? "reset" : "closed without an answer");
    shut(connection);
    if (options_.hold) fail(connection, "idle connection closed");
  }

  void fail(Connection& connection, const std::string& kind) {
    ++failures_;
    ++failure_kinds_[kind];
    shut(connection);
    const bool was_busy = connection.busy;
    connection.busy = false;
    if (was_busy) {
      // Not at once: a refused connection would be tried in a loop.
      usleep(1000);
      next(connection, now());
    }
  }

  void shut(Connection& connection) {
    if (connection.ssl != nullptr) tls_->close(connection.ssl);
    connection.ssl = nullptr;
    if (connection.fd >= 0) close(connection.fd);
    connection.fd = -1;
  }

  Options options_;
  std::optional<TlsClient> tls_;
  int epoll_ = -1;
  std::string request_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;
  bool starved_ = false;
  std::uint64_t next_due_ = 0;
  std::uint64_t next_scan_ = 0;
  std::uint32_t source_ = 0;
  Histogram histogram_;
  std::uint64_t failures_ = 0;
  std::map<std::string, std::uint64_t> failure_kinds_;
  std::uint64_t bytes_ = 0;
  std::uint64_t measured_from_ = 0;
  std::vector<double> cpu_before_;
};

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  prctl(PR_SET_TIMERSLACK, 1000);
  signal(SIGPIPE, SIG_IGN);
  const weir::bench::Options options = weir::bench::parse_options(argc, argv);
  weir::bench::Load load(options);
  if (options.hold) {
    load.hold();
  } else {
    load.run();
  }
  return 0;
}
