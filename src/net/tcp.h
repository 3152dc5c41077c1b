// A connected byte stream on one reactor: TCP, or a Unix socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <sys/uio.h>

#include "base/error.h"
#include "base/ip.h"
#include "net/reactor.h"
#include "net/wait.h"

namespace weir::net {

// A leaf operation on one direction of a descriptor: tries the system call first, waits only if it must, or if the turn
// is over (net/turn.h).
class StreamOperation : public Suspension<IoWaiter> {
 protected:
  StreamOperation(Descriptor& descriptor, base::TimePoint deadline) : descriptor_(descriptor), deadline_(deadline) {}
  ~StreamOperation() = default;
  // For `await_ready`: whether to go on at once.
  bool goes_on(bool done) {
    done_ = done;
    return done && !Turn::is_over();
  }
  // For `await_suspend`: the operation is done, its result is given in the next round. That is no wait which could be
  // cancelled; a chain that was is told at once.
  bool is_done() const { return done_; }
  template <typename Promise>
  static bool give_in_next_round(std::coroutine_handle<Promise> handle) {
    if (handle.promise().context()->cancelled()) return false;
    Reactor::current().schedule(handle);
    return true;
  }
  Descriptor& descriptor_;
  base::TimePoint deadline_;

 private:
  bool done_ = false;
};

// Result<std::size_t>: bytes read, 0 at the end of the stream.
class ReadOperation final : public StreamOperation {
 public:
  ReadOperation(Descriptor& descriptor, std::span<char> into, base::TimePoint deadline)
      : StreamOperation(descriptor, deadline), into_(into) {}
  bool await_ready() { return goes_on(attempt()); }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (is_done()) return give_in_next_round(handle) || fail_cancelled();
    if (!suspend(handle)) return fail_cancelled();
    descriptor_.wait_readable(*this, Reactor::current().tick(deadline_));
    return true;
  }
  base::Result<std::size_t> await_resume() const { return result_; }

  void on_ready() override;
  void on_timeout() override;
  void cancel() override;

 private:
  bool attempt() {
    if (!(descriptor_.filter() == nullptr ? attempt_plain() : attempt_filtered())) return false;
    Turn::spend(Turn::kOperation + static_cast<std::int64_t>(result_.value_or(0)));
    return true;
  }
  bool attempt_plain();
  bool attempt_filtered();
  bool fail_cancelled();
  std::span<char> into_;
  base::Result<std::size_t> result_ = 0;
};

// Result<void>: something can be read (or the end, or an error), without holding a buffer for it. What happens then is
// on_ready()'s, of the one that is made of this.
template <typename Resumed>
class InputWait : public Suspension<Resumed> {
 public:
  InputWait(Descriptor& descriptor, base::TimePoint deadline) : descriptor_(descriptor), deadline_(deadline) {}
  bool await_ready() const { return descriptor_.readable; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!this->suspend(handle)) {
      error_ = base::ErrorCode::cancelled;
      return false;
    }
    descriptor_.wait_readable(*this, Reactor::current().tick(deadline_));
    return true;
  }
  base::Result<void> await_resume() const {
    if (error_) return base::fail(*error_, "waiting for the peer");
    return {};
  }
  void on_timeout() final {
    descriptor_.stop_waiting_readable();
    error_ = base::ErrorCode::timeout;
    this->resume();
  }
  void cancel() override {
    descriptor_.stop_waiting_readable();
    error_ = base::ErrorCode::cancelled;
    this->resume_later();
  }

 protected:
  ~InputWait() = default;
  Descriptor& descriptor_;

 private:
  base::TimePoint deadline_;
  std::optional<base::ErrorCode> error_;
};

class WaitReadableOperation final : public InputWait<IoWaiter> {
 public:
  using InputWait::InputWait;
  void on_ready() override;
};

// The same for a connection on which new work begins with the first bytes: it begins behind the work that is under way
// (Reactor::begin_later). Bytes that are there already do not wait.
class WaitForWorkOperation final : public InputWait<NewWork> {
 public:
  using InputWait::InputWait;
  void on_ready() override;
  void cancel() override;
  void begin() override { resume(); }
};

// Whether a peer takes bytes while the socket has no room: a large send buffer has none until a third of it is free,
// which takes a slow reader longer than any patience. Asked whenever that has passed, and asks the kernel only then.
class PeerProgress {
 public:
  // True the first time, and then whenever fewer bytes are untaken than the time before. A peer that takes nothing is
  // thus found out within two patiences.
  bool goes_on(const Descriptor& descriptor);
  void start_anew() { untaken_ = SIZE_MAX; }

 private:
  std::size_t untaken_ = SIZE_MAX;
};

// The same for room to write.
class WaitWritableOperation final : public StreamOperation {
 public:
  WaitWritableOperation(Descriptor& descriptor, base::TimePoint deadline) : StreamOperation(descriptor, deadline) {}
  WaitWritableOperation(Descriptor& descriptor, base::Nanoseconds patience)
      : StreamOperation(descriptor, Reactor::current().now() + patience), patience_(patience) {}
  bool await_ready() const { return descriptor_.writable; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!suspend(handle)) {
      error_ = base::ErrorCode::cancelled;
      return false;
    }
    descriptor_.wait_writable(*this, Reactor::current().tick(deadline_));
    return true;
  }
  base::Result<void> await_resume() const {
    if (error_) return base::fail(*error_, "waiting for the peer to take bytes");
    return {};
  }
  void on_ready() override;
  void on_timeout() override;
  void cancel() override;

 private:
  std::optional<base::Nanoseconds> patience_;
  PeerProgress progress_;
  std::optional<base::ErrorCode> error_;
};

// Result<void>: all bytes were handed to the kernel. The deadline starts anew whenever some were (`patience` each
// time), or the peer has taken some meanwhile (PeerProgress).
class WriteOperation final : public StreamOperation {
 public:
  static constexpr std::size_t kPieces = 4;
  WriteOperation(Descriptor& descriptor, std::span<const std::string_view> pieces, base::Nanoseconds patience);
  bool await_ready() { return goes_on(attempt()); }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (is_done()) return give_in_next_round(handle) || fail_cancelled();
    if (!suspend(handle)) return fail_cancelled();
    arm();
    return true;
  }
  base::Result<void> await_resume() const { return result_; }

  void on_ready() override;
  void on_timeout() override;
  void cancel() override;

 private:
  bool attempt() {
    if (!(descriptor_.filter() == nullptr ? attempt_plain() : attempt_filtered())) return false;
    Turn::spend(Turn::kOperation + static_cast<std::int64_t>(bytes_));
    return true;
  }
  bool attempt_plain();
  bool attempt_filtered();
  void arm();
  bool fail_cancelled();
  std::array<iovec, kPieces> pieces_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;    // of all pieces
  bool progressed_ = false;  // in the last attempt
  base::Nanoseconds patience_;
  PeerProgress progress_;
  base::Result<void> result_;
};

// Owns the connection; closes it on destruction. Move-only, one reactor's thread.
class TcpStream {
 public:
  TcpStream() = default;
  // Takes ownership of a connected, non-blocking socket.
  static TcpStream adopt(int fd) { return TcpStream(Descriptor::open(fd)); }
  TcpStream(TcpStream&& other) noexcept : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  TcpStream& operator=(TcpStream&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~TcpStream() { close(); }
  explicit operator bool() const { return descriptor_ != nullptr; }

  // At most one read and one write at a time. The bytes must stay where they are until the operation ends.
  ReadOperation read(std::span<char> into, base::TimePoint deadline) { return {*descriptor_, into, deadline}; }
  WaitReadableOperation wait_readable(base::TimePoint deadline) { return {*descriptor_, deadline}; }
  WaitForWorkOperation wait_for_work(base::TimePoint deadline) { return {*descriptor_, deadline}; }
  WaitWritableOperation wait_writable(base::TimePoint deadline) { return {*descriptor_, deadline}; }
  // As write() does before it writes.
  WaitWritableOperation wait_for_room(base::Nanoseconds patience) { return {*descriptor_, patience}; }
  // Writes everything; Error{timeout} when the peer takes nothing for `patience`, or for two where it took some before.
  WriteOperation write(std::string_view bytes, base::Nanoseconds patience) {
    return {*descriptor_, std::span(&bytes, 1), patience};
  }
  WriteOperation write(std::span<const std::string_view> pieces, base::Nanoseconds patience) {
    return {*descriptor_, pieces, patience};
  }

  // True when the peer has neither closed nor reset nor sent anything, as far as its events tell; asks the kernel only
  // where they leave it open.
  bool is_quiet() const;
  // The same, always asking the kernel: events may be under way.
  bool is_quiet_now() const;
  bool is_broken() const { return descriptor_->broken; }
  // Bytes go through a filter: the socket itself must be neither read nor written nor given away.
  bool is_filtered() const { return descriptor_->filter() != nullptr; }
  void cancel_when_broken(TaskContext* context) { descriptor_->cancel_when_broken(context); }

  // Bytes that were written but have not arrived: a filter keeps them, or the kernel until the peer acknowledges them.
  // The end of writing counts for one. Asks the kernel.
  std::size_t untaken_bytes() const;
  // Bytes that the peer has acknowledged so far, those of a filter's own included; what was untaken is not counted.
  // Asks the kernel; 0 for Unix sockets.
  std::uint64_t acknowledged_bytes() const;
  // For a filtered stream: finish_writing() but for the socket's own end, which may come once a write of nothing has
  // sent what the socket did not take at once.
  void announce_end();
  // No more will be written; the peer reads an end.
  void finish_writing();
  // Neither reads nor writes go on: whoever waits finds the end. The descriptor stays.
  void shut_down();
  // Closes with a reset instead of an orderly end.
  void abort();
  void close() {
    if (descriptor_ != nullptr) std::exchange(descriptor_, nullptr)->close();
  }
  // Gives the socket away, unregistered. Not a filtered one.
  int release() { return std::exchange(descriptor_, nullptr)->release(); }
  Descriptor& descriptor() { return *descriptor_; }
  int fd() const { return descriptor_->fd(); }

 private:
  explicit TcpStream(Descriptor* descriptor) : descriptor_(descriptor) {}
  Descriptor* descriptor_ = nullptr;
};

struct ConnectOptions {
  base::SocketAddress address;
  base::TimePoint deadline = base::TimePoint::max();
  // Where the connection is to come from, also when that is no address of this machine (IP_TRANSPARENT); needs
  // CAP_NET_ADMIN.
  std::optional<base::IpAddress> source = {};
};
// Opens a TCP connection with TCP_NODELAY. Error{refused, unreachable, timeout, reset, exhausted, cancelled}, all safe
// to try elsewhere; the side is backend, but for exhausted and cancelled, which are ours.
Task<base::Result<TcpStream>> connect(ConnectOptions options);

// Lets the socket `fd` use addresses that are not this machine's (IP_TRANSPARENT). False with errno: EPERM without
// CAP_NET_ADMIN.
bool allow_any_source(int fd, bool v6);

// Local and remote address of a connected socket; 0.0.0.0:0 for Unix sockets.
base::SocketAddress local_address(int fd);
base::SocketAddress remote_address(int fd);

}  // namespace weir::net
