#include "net/tcp.h"

#include <cerrno>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/system_calls.h"

namespace weir::net {

using base::ErrorCode;

bool ReadOperation::attempt_plain() {
  if (!descriptor_.readable) return false;
  ssize_t got;
  do {
    got = receive(descriptor_.fd(), into_.data(), into_.size());
  } while (got < 0 && errno == EINTR);
  if (got >= 0) {
    // A short read has emptied the socket, unless its end is behind the bytes: the next edge will tell of more.
    if (static_cast<std::size_t>(got) < into_.size() && !descriptor_.peer_finished) descriptor_.readable = false;
    result_ = static_cast<std::size_t>(got);
    return true;
  }
  if (errno == EAGAIN) {
    descriptor_.readable = false;
    return false;
  }
  result_ = base::fail_errno(errno, "read");
  return true;
}

// Asked even when the socket has nothing: bytes may be left in the filter.
bool ReadOperation::attempt_filtered() {
  if (!descriptor_.readable) return false;
  return descriptor_.filter()->read(descriptor_, into_, result_);
}

bool ReadOperation::fail_cancelled() {
  result_ = base::fail(ErrorCode::cancelled, "read");
  return false;
}

void ReadOperation::on_ready() {
  if (!attempt()) return;
  descriptor_.stop_waiting_readable();
  resume();
}

void ReadOperation::on_timeout() {
  descriptor_.stop_waiting_readable();
  result_ = base::fail(ErrorCode::timeout, "read");
  resume();
}

void ReadOperation::cancel() {
  descriptor_.stop_waiting_readable();
  fail_cancelled();
  resume_later();
}

void WaitReadableOperation::on_ready() {
  descriptor_.stop_waiting_readable();
  resume();
}

void WaitForWorkOperation::on_ready() {
  descriptor_.stop_waiting_readable();
  Reactor::current().begin_later(*this);
}

void WaitForWorkOperation::cancel() {
  Reactor::current().forget(*this);
  InputWait::cancel();
}

namespace {

std::size_t untaken_bytes_of(const Descriptor& descriptor) {
  int queued = 0;
  if (ioctl(descriptor.fd(), SIOCOUTQ, &queued) != 0) queued = 0;
  StreamFilter* filter = descriptor.filter();
  return static_cast<std::size_t>(queued) + (filter != nullptr ? filter->unsent_bytes() : 0);
}

}  // namespace

bool PeerProgress::goes_on(const Descriptor& descriptor) {
  std::size_t untaken = untaken_bytes_of(descriptor);
  return untaken < std::exchange(untaken_, untaken);
}

void WaitWritableOperation::on_ready() {
  descriptor_.stop_waiting_writable();
  resume();
}

void WaitWritableOperation::on_timeout() {
  if (patience_ && progress_.goes_on(descriptor_)) {
    Reactor& reactor = Reactor::current();
    return descriptor_.wait_writable(*this, reactor.tick(reactor.now() + *patience_));
  }
  descriptor_.stop_waiting_writable();
  error_ = ErrorCode::timeout;
  resume();
}

void WaitWritableOperation::cancel() {
  descriptor_.stop_waiting_writable();
  error_ = ErrorCode::cancelled;
  resume_later();
}

WriteOperation::WriteOperation(Descriptor& descriptor, std::span<const std::string_view> pieces,
                               base::Nanoseconds patience)
    : StreamOperation(descriptor, base::TimePoint::max()), patience_(patience) {
  WEIR_ASSERT(pieces.size() <= kPieces);
  for (std::string_view piece : pieces) {
    if (!piece.empty()) pieces_[count_++] = {const_cast<char*>(piece.data()), piece.size()};
    bytes_ += piece.size();
  }
}

bool WriteOperation::attempt_filtered() {
  progressed_ = false;
  if (!descriptor_.writable) return false;
  std::span<iovec> left(pieces_.data() + first_, count_ - first_);
  StreamFilter::Wrote wrote = descriptor_.filter()->write(descriptor_, left, result_);
  while (first_ < count_ && pieces_[first_].iov_len == 0) ++first_;
  progressed_ = wrote == StreamFilter::Wrote::progressed;
  return wrote == StreamFilter::Wrote::done;
}

bool WriteOperation::attempt_plain() {
  progressed_ = false;
  while (first_ < count_) {
    if (!descriptor_.writable) return false;
    ssize_t sent;
    if (first_ + 1 == count_) {
      sent = transmit(descriptor_.fd(), pieces_[first_].iov_base, pieces_[first_].iov_len);
    } else {
      msghdr message{};
      message.msg_iov = &pieces_[first_];
      message.msg_iovlen = count_ - first_;
      sent = sendmsg(descriptor_.fd(), &message, MSG_NOSIGNAL);
    }
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        descriptor_.writable = false;
        return false;
      }
      result_ = base::fail_errno(errno, "write");
      return true;
    }
    progressed_ = true;
    auto left = static_cast<std::size_t>(sent);
    while (first_ < count_ && left >= pieces_[first_].iov_len) left -= pieces_[first_++].iov_len;
    if (left > 0) {
      pieces_[first_].iov_base = static_cast<char*>(pieces_[first_].iov_base) + left;
      pieces_[first_].iov_len -= left;
    }
  }
  return true;
}

void WriteOperation::arm() {
  Reactor& reactor = Reactor::current();
  descriptor_.wait_writable(*this, reactor.tick(reactor.now() + patience_));
}

bool WriteOperation::fail_cancelled() {
  result_ = base::fail(ErrorCode::cancelled, "write");
  return false;
}

void WriteOperation::on_ready() {
  if (!attempt()) {
    if (progressed_) {
      progress_.start_anew();
      arm();
    }
    return;
  }
  descriptor_.stop_waiting_writable();
  resume();
}

void WriteOperation::on_timeout() {
  if (progress_.goes_on(descriptor_)) return arm();
  descriptor_.stop_waiting_writable();
  result_ = base::fail(ErrorCode::timeout, "write");
  resume();
}

void WriteOperation::cancel() {
  descriptor_.stop_waiting_writable();
  fail_cancelled();
  resume_later();
}

bool TcpStream::is_quiet() const {
  if (descriptor_->peer_finished) return false;
  return !descriptor_->readable || is_quiet_now();
}

bool TcpStream::is_quiet_now() const {
  if (StreamFilter* filter = descriptor_->filter(); filter != nullptr) return filter->is_quiet(*descriptor_);
  char byte;
  if (recv(descriptor_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN) return false;
  descriptor_->readable = false;
  return true;
}

std::size_t TcpStream::untaken_bytes() const { return untaken_bytes_of(*descriptor_); }

void TcpStream::announce_end() {
  if (StreamFilter* filter = descriptor_->filter(); filter != nullptr) filter->finish_writing(*descriptor_);
}

void TcpStream::finish_writing() {
  announce_end();
  shutdown(descriptor_->fd(), SHUT_WR);
}

void TcpStream::shut_down() { shutdown(descriptor_->fd(), SHUT_RDWR); }

void TcpStream::abort() {
  descriptor_->set_filter(nullptr);
  linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_->fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close();
}

bool allow_any_source(int fd, bool v6) {
  int on = 1;
  return v6 ? setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof on) == 0
            : setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof on) == 0;
}

namespace {

bool bind_source(int fd, const base::IpAddress& source) {
  int on = 1;
  if (!allow_any_source(fd, source.is_v6())) return false;
  // The port is chosen by connect(), which knows the other end: far more of them can be in use.
  setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_storage storage;
  socklen_t length = base::SocketAddress{source, 0}.to(storage);
  return bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

}  // namespace

Task<base::Result<TcpStream>> connect(ConnectOptions options) {
  auto backend_failure = [](int os_error) {
    base::Error error{
        .code = base::code_of_errno(os_error), .retry_helps = true, .os_error = os_error, .what = "connect"};
    error.side = error.code == ErrorCode::exhausted ? base::Side::ours : base::Side::backend;
    return std::unexpected(error);
  };
  sockaddr_storage storage;
  socklen_t length = options.address.to(storage);
  int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return backend_failure(errno);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.source && !bind_source(fd, *options.source)) {
    int os_error = errno;
    ::close(fd);
    base::Error error{.code = ErrorCode::io, .os_error = os_error, .what = "connect from the client's address"};
    co_return std::unexpected(error);
  }
  // Registered only after connect(): an idle new socket would report a hang-up.
  int begun = ::connect(fd, reinterpret_cast<const sockaddr*>(&storage), length);
  if (begun != 0 && errno != EINPROGRESS) {
    int os_error = errno;
    ::close(fd);
    co_return backend_failure(os_error);
  }
  TcpStream stream = TcpStream::adopt(fd);
  if (begun != 0) {
    stream.descriptor().writable = false;
    base::Result<void> ready = co_await stream.wait_writable(options.deadline);
    if (!ready) {
      base::Error error = ready.error();
      error.what = "connect";
      error.retry_helps = error.code == ErrorCode::timeout;
      if (error.code == ErrorCode::timeout) error.side = base::Side::backend;
      co_return std::unexpected(error);
    }
    if (stream.is_broken()) {
      int os_error = 0;
      socklen_t size = sizeof os_error;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &os_error, &size);
      co_return backend_failure(os_error != 0 ? os_error : ECONNRESET);
    }
  }
  co_return stream;
}

base::SocketAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return base::SocketAddress::from(storage);
}

base::SocketAddress remote_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return base::SocketAddress::from(storage);
}

}  // namespace weir::net
