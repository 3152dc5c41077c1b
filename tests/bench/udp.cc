// The side-by-side benchmark's UDP half: an echo, and clients that ask and wait. Uses nothing of Weir.
//   bench_udp echo PORT...                answers every datagram with itself; prints "ready"
//   bench_udp load PORT [options]         prints the same JSON as bench_load
//     --clients N      sockets, each with one question under way (64)
//     --burst N        datagrams to a question, handed to the kernel as one (1)
//     --bytes N        of each datagram (64)
//     --fresh          a new socket for every question
//     --seconds S --warmup S --watch PID,PID
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int open_socket() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  int buffer = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  return fd;
}

// One datagram, or several as one.
struct Message {
  std::vector<char> bytes = std::vector<char>(65'536);
  sockaddr_in peer{};
  iovec piece{};
  alignas(16) std::array<char, 64> control{};
  msghdr header{};

  ssize_t receive(int fd, int& segment) {
    piece = {.iov_base = bytes.data(), .iov_len = bytes.size()};
    header = {.msg_name = &peer,
              .msg_namelen = sizeof peer,
              .msg_iov = &piece,
              .msg_iovlen = 1,
              .msg_control = control.data(),
              .msg_controllen = control.size(),
              .msg_flags = 0};
    ssize_t got = recvmsg(fd, &header, 0);
    segment = 0;
    if (got < 0) return got;
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
      if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO)
        std::memcpy(&segment, CMSG_DATA(at), sizeof segment);
    }
    return got;
  }
  ssize_t send(int fd, std::size_t size, int segment, bool to_peer) {
    piece = {.iov_base = bytes.data(), .iov_len = size};
    header = {};
    if (to_peer) {
      header.msg_name = &peer;
      header.msg_namelen = sizeof peer;
    }
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (segment > 0 && size > static_cast<std::size_t>(segment)) {
      header.msg_control = control.data();
      header.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
      cmsghdr* at = CMSG_FIRSTHDR(&header);
      at->cmsg_level = IPPROTO_UDP;
      at->cmsg_type = UDP_SEGMENT;
      at->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      auto value = static_cast<std::uint16_t>(segment);
      std::memcpy(CMSG_DATA(at), &value, sizeof value);
    }
    return sendmsg(fd, &header, 0);
  }
};

int echo(const std::vector<std::string>& ports) {
  int epoll = epoll_create1(0);
  for (const std::string& port : ports) {
    int fd = open_socket();
    sockaddr_in address = loopback(std::atoi(port.c_str()));
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  std::puts("ready");
  std::fflush(stdout);
  Message message;
  std::array<epoll_event, 16> events;
  while (true) {
    int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      int segment;
      ssize_t got;
      while ((got = message.receive(events[i].data.fd, segment)) >= 0) {
        message.send(events[i].data.fd, static_cast<std::size_t>(got), segment, true);
      }
    }
  }
}

struct Options {
  int port = 0;
  std::size_t clients = 64;
  std::size_t burst = 1;
  std::size_t bytes = 64;
  bool fresh = false;
  double seconds = 4;
  double warmup = 1;
  std::vector<int> watch;
};

double cpu_seconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::size_t at = text.rfind(')');
  if (at == std::string::npos) return 0;
  long user = 0;
  long system = 0;
  std::sscanf(text.c_str() + at + 2, "%*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld", &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class Load {
 public:
  explicit Load(const Options& options) : options_(options), clients_(options.clients), epoll_(epoll_create1(0)) {}

  int run() {
    for (std::size_t i = 0; i < clients_.size(); ++i) ask(i, true);
    run_until(Clock::now() + seconds(options_.warmup));
    latencies_.clear();
    failures_ = 0;
    std::vector<double> before;
    before.reserve(options_.watch.size());
    for (int pid : options_.watch) before.push_back(cpu_seconds(pid));
    Clock::time_point began = Clock::now();
    run_until(began + seconds(options_.seconds));
    double took = std::chrono::duration<double>(Clock::now() - began).count();
    std::string cpu;
    for (std::size_t i = 0; i < before.size(); ++i) {
      cpu += (i > 0 ? "," : "") + std::to_string(cpu_seconds(options_.watch[i]) - before[i]);
    }
    std::ranges::sort(latencies_);
    std::printf(R"({"requests":%zu,"seconds":%f,"cpu_seconds":[%s],"failures":%zu,"failure_kinds":{"timeout":%zu},)"
                R"("latency_us":{"p50":%.1f,"p99":%.1f}})"
                "\n",
                latencies_.size(), took, cpu.c_str(), failures_, failures_, percentile(0.5), percentile(0.99));
    return 0;
  }

 private:
  struct Client {
    int fd = -1;
    std::size_t missing = 0;
    Clock::time_point asked;
  };
  static Clock::duration seconds(double count) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
  }
  double percentile(double share) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<std::size_t>(share * static_cast<double>(latencies_.size() - 1))];
  }
  void ask(std::size_t index, bool new_socket) {
    Client& client = clients_[index];
    if (new_socket) {
      if (client.fd >= 0) close(client.fd);
      client.fd = open_socket();
      sockaddr_in address = loopback(options_.port);
      connect(client.fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
      epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event);
    }
    client.missing = options_.burst * options_.bytes;
    client.asked = Clock::now();
    message_.send(client.fd, client.missing, static_cast<int>(options_.bytes), false);
  }
  void run_until(Clock::time_point end) {
    std::array<epoll_event, 256> events;
    Clock::time_point checked = Clock::now();
    while (Clock::now() < end) {
      int ready = epoll_wait(epoll_, events.data(), events.size(), 50);
      for (int i = 0; i < ready; ++i) {
        std::size_t index = events[i].data.u64;
        Client& client = clients_[index];
        int segment;
        ssize_t got = message_.receive(client.fd, segment);
        if (got <= 0) continue;
        client.missing -= std::min(client.missing, static_cast<std::size_t>(got));
        if (client.missing > 0) continue;
        latencies_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - client.asked).count());
        ask(index, options_.fresh);
      }
      if (Clock::now() - checked < std::chrono::milliseconds(100)) continue;
      checked = Clock::now();
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (checked - clients_[i].asked < std::chrono::milliseconds(500)) continue;
        ++failures_;
        ask(i, true);
      }
    }
  }

  Options options_;
  std::vector<Client> clients_;
  int epoll_;
  Message message_;
  std::vector<double> latencies_;
  std::size_t failures_ = 0;
};

Options parse(const std::vector<std::string>& words) {
  Options options;
  options.port = std::atoi(words.at(0).c_str());
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto value = [&] { return words.at(++i); };
    if (words[i] == "--clients")
      options.clients = std::stoul(value());
    else if (words[i] == "--burst")
      options.burst = std::stoul(value());
    else if (words[i] == "--bytes")
      options.bytes = std::stoul(value());
    else if (words[i] == "--fresh")
      options.fresh = true;
    else if (words[i] == "--seconds")
      options.seconds = std::stod(value());
    else if (words[i] == "--warmup")
      options.warmup = std::stod(value());
    else if (words[i] == "--watch") {
      std::string pids = value();
      for (char* at = pids.data(); *at != '\0';) {
        options.watch.push_back(static_cast<int>(std::strtol(at, &at, 10)));
        if (*at == ',') ++at;
      }
    } else {
      std::fprintf(stderr, "bench_udp: what is %s?\n", words[i].c_str());
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::string> rest(words + std::min(count, 2), words + count);
  std::string mode = count > 1 ? words[1] : "";
  if (mode == "echo" && !rest.empty()) return echo(rest);
  if (mode == "load" && !rest.empty()) return Load(parse(rest)).run();
  std::fprintf(stderr, "usage: bench_udp echo PORT... | load PORT [options]\n");
  return 2;
}
