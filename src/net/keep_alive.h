// Probes of connections that are silent (RFC 9293 3.8.4).
#pragma once

#include <chrono>

#include "net/timer_wheel.h"

namespace weir::net {

// A connection that is silent for `after` is probed up to four times within as long again, and broken when nobody
// answers. On a listening socket: for all that it accepts.
void keep_alive(int fd, std::chrono::seconds after);

// The same for a connection that turns out to last: a second after start(). Most last for less, and are spared four
// system calls. The reactor's thread; the descriptor must stay open until stop().
class LateKeepAlive final : private TimerNode {
 public:
  // `after` of 0: never.
  void start(int fd, std::chrono::seconds after);
  void stop();

 private:
  void on_timer() override { keep_alive(fd_, after_); }
  int fd_ = -1;
  std::chrono::seconds after_{0};
};

}  // namespace weir::net
