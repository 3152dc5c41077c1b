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

namespace weir::tls {

using base::ErrorCode;

namespace {

constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
// Plaintext that is encrypted before the socket is asked to take it.
constexpr std::size_t kBatchBytes = 64 * 1024;
// Ciphertext of a batch, and whatever a handshake sends at once: chains of certificates are bounded when loaded.
constexpr std::size_t kOutBytes = 256 * 1024;
// The first byte of a handshake record (RFC 8446 5.1).
constexpr unsigned char kHandshakeRecord = 22;
constexpr std::size_t kWorthReading = 4096;

}  // namespace

struct Stream::Unsent {
  std::vector<char> bytes;
  std::size_t begin = 0;
};

// What OpenSSL and the BIO need to know while they work for one stream; one per thread.
struct ThreadState {
  Stream* stream = nullptr;
  net::Descriptor* descriptor = nullptr;
  const ServerContext* server = nullptr;
  std::unique_ptr<char[]> out{new char[kOutBytes]};
  std::size_t out_bytes = 0;
  std::unique_ptr<char[]> plain{new char[kRecordBytes]};
  int os_error = 0;    // why the socket failed in this operation
  bool ended = false;  // the socket was at its end
  bool* first_byte_seen = nullptr;
  Stream::Step strange = Stream::Step::done;  // what came instead of TLS
  BIO* bio = nullptr;
  BIO_METHOD* method = nullptr;

  ThreadState();
  ~ThreadState() {
    BIO_free(bio);
    BIO_meth_free(method);
  }
};

namespace {

ThreadState& state() {
  thread_local ThreadState of_thread;
  return of_thread;
}

int write_socket(BIO*, const char* bytes, std::size_t count, std::size_t* written) {
  ThreadState& now = state();
  if (count > kOutBytes - now.out_bytes) return 0;
  std::memcpy(now.out.get() + now.out_bytes, bytes, count);
  now.out_bytes += count;
  *written = count;
  return 1;
}

// True for the first byte of what OpenSSL should see.
bool is_tls(ThreadState& now, unsigned char first) {
  if (first == kHandshakeRecord) return true;
  now.strange = first >= 'A' && first <= 'Z' ? Stream::Step::plain_http : Stream::Step::plain_other;
  return false;
}

}  // namespace

int read_socket(BIO* bio, char* into, std::size_t room, std::size_t* got) {
  ThreadState& now = state();
  net::Descriptor& descriptor = *now.descriptor;
  BIO_clear_retry_flags(bio);
  *got = 0;
  // OpenSSL would go on for as long as records of no use come, and hold the worker with that.
  if (now.stream->is_flooded()) return 0;
  ssize_t received = -1;
  if (descriptor.readable) {
    do {
      received = recv(descriptor.fd(), into, room, 0);
    } while (received < 0 && errno == EINTR);
    if (received < 0 && errno != EAGAIN) {
      now.os_error = errno;
      return 0;
    }
  }
  if (received < 0) {
    descriptor.readable = false;
    BIO_set_retry_read(bio);
    return 0;
  }
  // A short read has emptied the socket, unless its end is behind the bytes.
  if (static_cast<std::size_t>(received) < room && !descriptor.peer_finished) descriptor.readable = false;
  if (received == 0) {
    now.ended = true;
    return 0;
  }
  if (!now.stream->first_byte_seen_) {
    now.stream->first_byte_seen_ = true;
    if (now.server != nullptr && !is_tls(now, static_cast<unsigned char>(*into))) return 0;
  }
  *got = static_cast<std::size_t>(received);
  return 1;
}

namespace {

long control_socket(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

ThreadState::ThreadState() : method(BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "weir")) {
  BIO_meth_set_read_ex(method, read_socket);
  BIO_meth_set_write_ex(method, write_socket);
  BIO_meth_set_ctrl(method, control_socket);
  bio = BIO_new(method);
  BIO_set_init(bio, 1);
  ERR_clear_error();
}

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
    // What others of this thread left in OpenSSL's queue would be taken for an error of this stream.
    if (ERR_peek_error() != 0) ERR_clear_error();
  }
  ThreadState& now = state();
};

Stream::Stream(SSL* ssl) : ssl_(ssl) {
  BIO* bio = state().bio;
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
  Stream& of = current();
  if (of.established_ && *static_cast<const unsigned char*>(bytes) != SSL3_RT_APPLICATION_DATA) ++of.idle_records_;
}

const ServerContext* Stream::current_server() { return state().server; }
Stream& Stream::current() { return *state().stream; }

// What was kept, before anything new.
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
        state().os_error = errno;
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
  ThreadState& now = state();
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

// Why a read or a handshake did not go on, for good.
base::Error Stream::read_error(int returned) {
  ThreadState& now = state();
  int kind = SSL_get_error(ssl_, returned);
  broken_ = true;
  if (now.os_error != 0) return base::fail_errno(now.os_error, "read").error();
  if (is_flooded()) return {.code = ErrorCode::protocol, .what = "too many TLS records that carry nothing"};
  if (now.ended || kind == SSL_ERROR_SYSCALL) {
    ERR_clear_error();
    return {.code = ErrorCode::closed, .what = "the connection ended without the end of TLS"};
  }
  unsigned long code = ERR_peek_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return {.code = ErrorCode::protocol, .what = reason != nullptr ? reason : "TLS"};
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
  ThreadState& now = operation.now;
  Wrote wrote = Wrote::blocked;
  auto failed = [&] {
    result = base::fail_errno(now.os_error != 0 ? now.os_error : EPIPE, "write");
    return Wrote::done;
  };
  if (broken_ || (finished_ && !pieces.empty())) return failed();
  while (true) {
    Sent sent = now.out_bytes > 0 ? flush(descriptor) : send_unsent(descriptor);
    if (sent == Sent::broken) return failed();
    if (sent != Sent::none) wrote = Wrote::progressed;
    if (unsent_ != nullptr) return wrote;
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
    sent = flush(descriptor);
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
  if (unsent_ != nullptr) return Step::wait_writable;
  if (!established_) return Step::wait_readable;
  if (SSL_has_pending(ssl_) != 0) descriptor.readable = true;
  return Step::done;
}

}  // namespace weir::tls
