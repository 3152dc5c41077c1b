// What a proxy on epoll cannot go below: bytes from one socket to the other, one recv and one send each, and nothing
// of its own in between. No deadlines, no limits, no health, no metrics: a yardstick, not a balancer.
//   bench_floor PORT BACKEND_PORT...      says "ready", ends by SIGTERM
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int kMaxDescriptors = 65536;
constexpr int kEvents = 256;

std::array<int, kMaxDescriptors> partner;
std::array<char, 16 * 1024> bytes;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void watch(int epoll, int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

// What does not fit into the partner's socket at once is lost with the connection: small messages always fit.
bool relay(int from) {
  while (true) {
    ssize_t got = recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0) return true;
    if (got == 0 || send(partner[from], bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return false;
    if (static_cast<std::size_t>(got) < bytes.size()) return true;
  }
}

void pair_up(int epoll, int client, const sockaddr_in& backend) {
  int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (upstream < 0 || upstream >= kMaxDescriptors || client >= kMaxDescriptors) fail("socket");
  if (connect(upstream, reinterpret_cast<const sockaddr*>(&backend), sizeof backend) != 0) fail("connect");
  partner[client] = upstream;
  partner[upstream] = client;
  watch(epoll, client);
  watch(epoll, upstream);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: bench_floor PORT BACKEND_PORT...\n");
    return 2;
  }
  std::vector<sockaddr_in> backends;
  for (int i = 2; i < count; ++i) backends.push_back(loopback(arguments[i]));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(arguments[1]);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(listener, 4096) != 0) fail("listen");
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event own{.events = EPOLLIN, .data = {.fd = listener}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &own) != 0) fail("epoll_ctl");
  std::puts("ready");
  std::fflush(stdout);
  std::size_t next = 0;
  std::array<epoll_event, kEvents> events;
  while (true) {
    int ready = epoll_wait(epoll, events.data(), kEvents, -1);
    std::vector<int> ended;
    for (int i = 0; i < ready; ++i) {
      int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) pair_up(epoll, client, backends[next++ % backends.size()]);
      } else if (!relay(fd)) {
        ended.push_back(fd);
      }
    }
    // After the round: events for both may be among those just read.
    for (int fd : ended) {
      if (partner[fd] < 0) continue;
      int other = partner[fd];
      partner[fd] = partner[other] = -1;
      close(fd);
      close(other);
    }
  }
}
