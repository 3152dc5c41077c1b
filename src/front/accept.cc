#include "front/accept.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <sys/socket.h>

#include "base/log.h"

namespace weir::front {
namespace {

// With no descriptor left there is nothing to do but wait for connections to end.
constexpr auto kPauseWhenExhausted = std::chrono::milliseconds(100);
constexpr auto kComplainEvery = std::chrono::seconds(60);

// A listener outlives whatever befalls a connection of it.
void take_in(Placer& placer, OpenListener& open, int fd, const base::SocketAddress& peer) {
  try {
    placer.place(open, fd, peer);
  } catch (const std::bad_alloc&) {
    // It is closed and counted; only a line of the log is missing.
  }
}

void complain(const OpenListener& open, const base::Error& error) {
  bool exhausted = error.code == base::ErrorCode::exhausted;
  try {
    base::log_error("listener {}: cannot accept connections: {}{}", open.listening.runtime->name,
                    std::strerror(error.os_error), exhausted ? "; raise the limit on open files (ulimit -n)" : "");
  } catch (const std::bad_alloc&) {
    // It will come again.
  }
}

void take_in_what_waits(Placer& placer, OpenListener& open, int listening_fd) {
  while (true) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    int fd = accept4(listening_fd, reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    // A connection that went away while it was queued; anything else will not pass soon.
    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR || errno == EPROTO)) continue;
    if (fd < 0) return;
    take_in(placer, open, fd, base::SocketAddress::from(storage));
  }
}

// The kernel also tells here what befell the connection that would have been next (accept(2)); the one after it may be
// well.
bool is_of_one_connection(base::ErrorCode code) {
  return code == base::ErrorCode::reset || code == base::ErrorCode::timeout || code == base::ErrorCode::unreachable;
}

}  // namespace

net::Task<void> accept_connections(worker::Worker& worker, Placer& placer, OpenListener& open, net::Listener listener) {
  base::TimePoint next_complaint{};
  while (true) {
    auto socket = co_await listener.accept();
    if (socket) {
      take_in(placer, open, socket->fd, socket->peer);
      continue;
    }
    if (socket.error().code == base::ErrorCode::cancelled) break;
    if (is_of_one_connection(socket.error().code)) continue;
    if (worker.reactor.now() >= next_complaint) {
      next_complaint = worker.reactor.now() + kComplainEvery;
      complain(open, socket.error());
    }
    base::Result<void> slept = co_await net::sleep_for(kPauseWhenExhausted);
    if (!slept) break;
  }
  // Connections that wait are for the listener that accepts there now.
  if (open.followed) co_return;
  take_in_what_waits(placer, open, listener.fd());
}

}  // namespace weir::front
