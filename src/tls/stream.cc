#include "tls/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <openssl/err.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "tls/library.h"
#include "tls/socket_bio.h"
#include "tls/words.h"

namespace weir::tls {

using base::ErrorCode;

namespace {

// Plaintext that is encrypted before the socket is asked to take it.
constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr std::size_t kWorthReading = 4096;

}  // namespace

struct Stream::Unsent {
  std::vector<char> bytes;
  std::size_t begin = 0;
};

// Makes the stream the one that the thread's BIO works for.
class Stream::Operation {
 public:
  Operation(Stream& stream, net::Descriptor& descriptor, const ServerContext* server = nullptr) {
    now.stream = &stream;
    now.descriptor = &descriptor;
    now.server = server;
    now.out_bytes = 0;
    now.os_error = 0;
    now.ended = false;
    now.strange = Step::done;
    // Errors that others of this thread left in OpenSSL's queue would be taken for one of this stream.
    if (ERR_peek_error() != 0) ERR_clear_error();
  }
  SocketBio& now = socket_bio();
};

Stream::Stream(SSL* ssl) : ssl_(ssl) {
  BIO* bio = socket_bio().bio;
  BIO_up_ref(bio);
  SSL_set_bio(ssl, bio, bio);
}

Stream::~Stream() {
  // OpenSSL would not resume the session of a connection whose peer was quicker to close it.
  if (established_) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

void Stream::on_record(int writing, int, int kind, const void* bytes, std::size_t, SSL*, void*) {
  // In TLS 1.3 the outer type of all that is encrypted is application data.
  if (writing != 0 || (kind != SSL3_RT_HEADER && kind != SSL3_RT_INNER_CONTENT_TYPE)) return;
  Stream& stream = current();
  if (stream.established_ && *static_cast<const unsigned char*>(bytes) != SSL3_RT_APPLICATION_DATA) {
    ++stream.idle_records_;
  }
}

const ServerContext* Stream::current_server() { return socket_bio().server; }
Stream& Stream::current() { return *socket_bio().stream; }

// Sends the kept bytes before anything new.
Stream::Sent Stream::send_unsent(net::Descriptor& descriptor) {
  if (unsent_ == nullptr) return Sent::all;
  bool some = false;
  while (unsent_->begin < unsent_->bytes.size()) {
    if (!descriptor.writable) return some ? Sent::some : Sent::none;
    std::size_t left = unsent_->bytes.size() - unsent_->begin;
    ssize_t sent = send(descriptor.fd(), unsent_->bytes.data() + unsent_->begin, left, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        socket_bio().os_error = errno;
        broken_ = true;
        return Sent::broken;
      }
      descriptor.writable = false;
      continue;
    }
    some = true;
    unsent_->begin += static_cast<std::size_t>(sent);
  }
  unsent_.reset();
  return Sent::all;
}

// Sends what the operation has written; keeps what the socket does not take.
Stream::Sent Stream::flush(net::Descriptor& descriptor) {
  SocketBio& now = socket_bio();
  std::size_t count = std::exchange(now.out_bytes, 0);
  if (count == 0) return Sent::all;
  if (unsent_ != nullptr) {
    // Only alerts and key updates come behind bytes that wait; who makes us owe more than this does not read.
    if (unsent_->bytes.size() > kOutBytes) {
      broken_ = true;
      return Sent::broken;
    }
    unsent_->bytes.insert(unsent_->bytes.end(), now.out.get(), now.out.get() + count);
    return send_unsent(descriptor);
  }
  std::size_t begin = 0;
  while (begin < count && descriptor.writable) {
    ssize_t sent = send(descriptor.fd(), now.out.get() + begin, count - begin, MSG_NOSIGNAL);
    if (sent >= 0) {
      begin += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      descriptor.writable = false;
    } else if (errno != EINTR) {
      now.os_error = errno;
      broken_ = true;
      return Sent::broken;
    }
  }
  if (begin == count) return Sent::all;
  unsent_ = std::make_unique<Unsent>();
  unsent_->bytes.assign(now.out.get() + begin, now.out.get() + count);
  return begin > 0 ? Sent::some : Sent::none;
}

// All that a handshake of TLS 1.3 writes behind the client's Finished is its ticket (RFC 8446 4.6.1), which the client
// needs for its next connection only: it spares a system call to send it with the first answer.
void Stream::keep_ticket() {
  SocketBio& now = socket_bio();
  unsent_ = std::make_unique<Unsent>();
  unsent_->bytes.assign(now.out.get(), now.out.get() + std::exchange(now.out_bytes, 0));
  ticket_waits_ = true;
}

// Puts the ticket that waits in front of what this operation writes. False: there is none.
bool Stream::take_ticket_along() {
  if (!std::exchange(ticket_waits_, false) || unsent_ == nullptr || unsent_->begin != 0) return false;
  SocketBio& now = socket_bio();
  std::ranges::copy(unsent_->bytes, now.out.get());
  now.out_bytes = unsent_->bytes.size();
  unsent_.reset();
  return true;
}

// Why a read or a handshake did not go on, for good.
base::Error Stream::read_error(int returned) {
  SocketBio& now = socket_bio();
  int kind = SSL_get_error(ssl_, returned);
  broken_ = true;
  if (now.os_error != 0) return base::fail_errno(now.os_error, "read").error();
  if (is_flooded()) {
    ERR_clear_error();
    return {.code = ErrorCode::protocol, .what = "too many TLS records that carry nothing"};
  }
  if (now.ended || kind == SSL_ERROR_SYSCALL) {
    ERR_clear_error();
    return {.code = ErrorCode::closed, .what = "the connection ended without the end of TLS"};
  }
  unsigned long code = ERR_peek_error();
  ERR_clear_error();
  return {.code = ErrorCode::protocol, .what = words_for_error(code, SSL_is_server(ssl_) == 1)};
}

bool Stream::read(net::Descriptor& descriptor, std::span<char> into, base::Result<std::size_t>& result) {
  Operation operation(*this, descriptor);
  std::size_t total = 0;
  int returned = 1;
  while (true) {
    std::size_t got = 0;
    returned = SSL_read_ex(ssl_, into.data() + total, into.size() - total, &got);
    if (returned <= 0) break;
    total += got;
    carried(got);
    std::size_t room = into.size() - total;
    bool more = SSL_has_pending(ssl_) != 0 || (descriptor.readable && room >= kWorthReading);
    if (room == 0 || !more) break;
  }
  if (operation.now.out_bytes > 0) flush(descriptor);
  if (returned > 0) {
    if (SSL_has_pending(ssl_) != 0) descriptor.readable = true;
    result = total;
    return true;
  }
  int kind = SSL_get_error(ssl_, returned);
  if (kind == SSL_ERROR_WANT_READ) {
    if (total == 0) return false;
    result = total;
    return true;
  }
  // With bytes in hand the end or error waits for the next call.
  if (total > 0) {
    descriptor.readable = true;
    ERR_clear_error();
    result = total;
  } else if (kind == SSL_ERROR_ZERO_RETURN) {
    descriptor.readable = true;
    result = 0;
  } else {
    descriptor.readable = true;
    result = std::unexpected(read_error(returned));
  }
  return true;
}

net::StreamFilter::Wrote Stream::write(net::Descriptor& descriptor, std::span<iovec> pieces,
                                       base::Result<void>& result) {
  Operation operation(*this, descriptor);
  SocketBio& now = operation.now;
  Wrote wrote = Wrote::blocked;
  auto failed = [&] {
    result = base::fail_errno(now.os_error != 0 ? now.os_error : EPIPE, "write");
    return Wrote::done;
  };
  if (broken_ || (finished_ && !pieces.empty())) return failed();
  bool joins_ticket = ticket_waits_ && take_ticket_along() && !pieces.empty();
  while (true) {
    if (!std::exchange(joins_ticket, false)) {
      Sent sent = now.out_bytes > 0 ? flush(descriptor) : send_unsent(descriptor);
      if (sent == Sent::broken) return failed();
      if (sent != Sent::none) wrote = Wrote::progressed;
      if (unsent_ != nullptr) return wrote;
    }
    while (!pieces.empty() && pieces.front().iov_len == 0) pieces = pieces.subspan(1);
    if (pieces.empty()) return Wrote::done;
    // A batch: large pieces as they are, small ones joined to full records.
    std::size_t batch = 0;
    while (!pieces.empty() && batch < kBatchBytes) {
      std::size_t count = std::min(pieces.front().iov_len, kBatchBytes - batch);
      const char* plain = static_cast<const char*>(pieces.front().iov_base);
      if (pieces.size() > 1 && count < kRecordBytes) {
        count = 0;
        for (const iovec& piece : pieces) {
          std::size_t part = std::min(piece.iov_len, kRecordBytes - count);
          std::memcpy(now.plain.get() + count, piece.iov_base, part);
          count += part;
        }
        plain = now.plain.get();
      } else if (count > kRecordBytes) {
        count -= count % kRecordBytes;
      }
      std::size_t taken = 0;
      if (SSL_write_ex(ssl_, plain, count, &taken) <= 0 || taken != count) {
        ERR_clear_error();
        broken_ = true;
        return failed();
      }
      batch += count;
      while (count > 0) {
        std::size_t part = std::min(count, pieces.front().iov_len);
        pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + part;
        pieces.front().iov_len -= part;
        count -= part;
        if (pieces.front().iov_len == 0) pieces = pieces.subspan(1);
      }
      while (!pieces.empty() && pieces.front().iov_len == 0) pieces = pieces.subspan(1);
    }
  }
}

bool Stream::is_quiet(net::Descriptor& descriptor) {
  Operation operation(*this, descriptor);
  if (broken_) return false;
  descriptor.readable = true;
  char byte;
  std::size_t got = 0;
  int returned = SSL_peek_ex(ssl_, &byte, 1, &got);
  if (operation.now.out_bytes > 0) flush(descriptor);
  if (returned > 0) return false;
  bool quiet = SSL_get_error(ssl_, returned) == SSL_ERROR_WANT_READ;
  if (!quiet) {
    descriptor.readable = true;
    ERR_clear_error();
  }
  return quiet && !broken_;
}

std::size_t Stream::unsent_bytes() const { return unsent_ == nullptr ? 0 : unsent_->bytes.size() - unsent_->begin; }

void Stream::finish_writing(net::Descriptor& descriptor) {
  if (broken_ || finished_ || !established_) return;
  Operation operation(*this, descriptor);
  finished_ = true;
  if (SSL_shutdown(ssl_) < 0) ERR_clear_error();
  flush(descriptor);
}

Stream::Step Stream::shake_hands(net::Descriptor& descriptor, const ServerContext* server, base::Error& failure) {
  Operation operation(*this, descriptor, server);
  Sent sent = send_unsent(descriptor);
  if (sent == Sent::all) {
    int returned = SSL_do_handshake(ssl_);
    if (operation.now.strange != Step::done) {
      ERR_clear_error();
      broken_ = true;
      return operation.now.strange;
    }
    int kind = SSL_get_error(ssl_, returned);
    bool leaves_ticket = returned > 0 && server != nullptr && SSL_version(ssl_) == TLS1_3_VERSION;
    if (leaves_ticket && operation.now.out_bytes > 0 && unsent_ == nullptr) {
      keep_ticket();
    } else {
      sent = flush(descriptor);
    }
    if (returned <= 0 && kind != SSL_ERROR_WANT_READ) {
      failure = read_error(returned);
      return Step::failed;
    }
    established_ = returned > 0;
  }
  if (sent == Sent::broken) {
    failure = base::fail_errno(operation.now.os_error != 0 ? operation.now.os_error : EPIPE, "write").error();
    return Step::failed;
  }
  if (unsent_ != nullptr && !ticket_waits_) return Step::wait_writable;
  if (!established_) return Step::wait_readable;
  if (SSL_has_pending(ssl_) != 0) descriptor.readable = true;
  return Step::done;
}

}  // namespace weir::tls
