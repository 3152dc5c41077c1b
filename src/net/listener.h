// Listening sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unistd.h>

#include "base/error.h"
#include "base/ip.h"
#include "net/keep_alive.h"
#include "net/tcp.h"

namespace weir::net {

struct ListenOptions {
  bool closed = false;      // bound, but nobody can connect before listen_with()
  bool reuse_port = false;  // several sockets, one per worker, share the address; the kernel spreads connections
  int backlog = 4096;
  std::uint32_t tcp_fastopen = 0;        // handshakes with data that may be under way; 0: none
  std::chrono::seconds defer_accept{0};  // nothing is accepted before its first bytes came or this has passed
  std::chrono::seconds keepalive{0};     // of accepted connections: see keep_alive(); 0: never
};

// A bound, listening, non-blocking socket that is not yet on any reactor. Error{io, exhausted, ...} with errno of bind.
base::Result<int> listen_tcp(const base::SocketAddress& address, const ListenOptions& options);
// Opens a socket that was bound closed, or changes the options (other than reuse_port) of one that listens already,
// whose queue stays.
base::Result<void> listen_with(int fd, const ListenOptions& options);
// On a file-system path, mode 0660. A socket there that nobody serves is replaced; a socket in use, and whatever is no
// socket, is an error.
base::Result<int> listen_unix(const std::string& path);
// The message for an operator when `where` (host:port, or unix:/path) could not be listened on: "cannot listen on
// 127.0.0.1:9090: Address already in use; stop what listens there (...)".
std::string listen_failure(const std::string& where, const base::Error& error);

// Makes the kernel ignore new handshakes on the listening socket, while those under way complete: closing it after a
// moment and a last accept loses no connection that a client believes to have. Without effect where filters are not
// allowed.
void ignore_new_handshakes(int listening_fd);

// Accepts on one reactor. Owns the socket.
class Listener {
 public:
  explicit Listener(int fd) : descriptor_(Descriptor::open(fd)) { descriptor_->readable = true; }
  Listener(Listener&& other) noexcept : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  Listener& operator=(Listener&&) = delete;
  ~Listener() {
    // Other workers may hold the same socket: closing alone would leave it registered here.
    if (descriptor_ != nullptr) ::close(descriptor_->release());
  }

  // The next connection as a bare, non-blocking descriptor. Waits for ever; Error{exhausted} when descriptors ran out
  // (wait a little and try again), {cancelled}, or {reset} for a connection that went away while it was queued.
  class AcceptOperation final : public StreamOperation {
   public:
    explicit AcceptOperation(Descriptor& descriptor) : StreamOperation(descriptor, base::TimePoint::max()) {}
    bool await_ready() { return goes_on(attempt()); }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
      if (is_done()) {
        // Also when cancelled: the connection must not be lost.
        Reactor::current().schedule(handle);
        return true;
      }
      if (!suspend(handle)) {
        result_ = base::fail(base::ErrorCode::cancelled, "accept");
        return false;
      }
      descriptor_.wait_readable(*this, kNever);
      return true;
    }
    struct Socket {
      int fd;
      base::SocketAddress peer;
    };
    base::Result<Socket> await_resume() const { return result_; }
    void on_ready() override;
    void on_timeout() override {}
    void cancel() override;

   private:
    bool attempt();
    base::Result<Socket> result_;
  };
  AcceptOperation accept() { return AcceptOperation(*descriptor_); }
  int fd() const { return descriptor_->fd(); }

 private:
  Descriptor* descriptor_;
};

}  // namespace weir::net
