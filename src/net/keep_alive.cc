#include "net/keep_alive.h"

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/reactor.h"

namespace weir::net {
namespace {

constexpr auto kLasting = std::chrono::seconds(1);

}  // namespace

void keep_alive(int fd, std::chrono::seconds after) {
  constexpr int kProbes = 4;
  int on = 1;
  int idle = static_cast<int>(after.count());
  int between = std::max(1, idle / kProbes);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
}

void LateKeepAlive::start(int fd, std::chrono::seconds after) {
  if (after.count() == 0) return;
  fd_ = fd;
  after_ = after;
  Reactor& reactor = Reactor::current();
  reactor.timers().arm(*this, reactor.tick(reactor.now() + kLasting));
}

void LateKeepAlive::stop() { Reactor::current().timers().disarm(*this); }

}  // namespace weir::net
