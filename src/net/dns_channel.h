// One c-ares channel on the thread's reactor. Part of the resolver; see dns.h.
#pragma once

#include <ares.h>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "net/dns.h"
#include "net/reactor.h"

namespace weir::net {

// Lives on one reactor's thread.
class DnsChannel final : private IoWaiter, private TimerNode {
 public:
  // `answered` gets c-ares' status and, if that is ARES_SUCCESS, the addresses, unclamped. Called exactly once, maybe
  // inside ask() (a name of /etc/hosts), and with ARES_EDESTRUCTION when the channel goes first.
  using Answered = std::function<void(int status, Resolution&& resolution)>;

  // Error{io} when c-ares cannot start, Error{protocol} for servers that are no addresses.
  static base::Result<std::unique_ptr<DnsChannel>> open(const ResolverOptions& options);
  // Not inside a call of `answered`.
  ~DnsChannel();

  void ask(const std::string& name, Answered answered);
  std::size_t outstanding() const { return outstanding_; }

 private:
  DnsChannel();
  struct Question;
  static void on_socket_state(void* self, ares_socket_t socket, int readable, int writable);
  static void on_answer(void* question, int status, int timeouts, ares_addrinfo* found);
  void on_ready() override;
  void on_timeout() override {}
  void cancel() override {}
  void on_timer() override;
  void rearm();

  ares_channel channel_ = nullptr;
  // c-ares does not read its TCP sockets dry, so its sockets are level-triggered in an epoll of their own, and that one
  // is a descriptor of the reactor.
  int sockets_ = -1;
  Descriptor* descriptor_ = nullptr;
  std::size_t outstanding_ = 0;
};

}  // namespace weir::net
