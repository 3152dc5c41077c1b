#include "tls/socket_bio.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <openssl/err.h>
#include <sys/socket.h>

namespace weir::tls {

SocketBio& socket_bio() {
  thread_local SocketBio of_thread;
  return of_thread;
}

namespace {

// The first byte of a handshake record (RFC 8446 5.1).
constexpr unsigned char kHandshakeRecord = 22;
// Enough of what came instead for its request line and Host.
constexpr std::size_t kStrangeBytes = 1024;

int write_socket(BIO*, const char* bytes, std::size_t count, std::size_t* written) {
  SocketBio& now = socket_bio();
  if (count > kOutBytes - now.out_bytes) return 0;
  std::memcpy(now.out.get() + now.out_bytes, bytes, count);
  now.out_bytes += count;
  *written = count;
  return 1;
}

// True for the first byte of what OpenSSL should see.
bool is_tls(SocketBio& now, unsigned char first) {
  if (first == kHandshakeRecord) return true;
  now.strange = first >= 'A' && first <= 'Z' ? Stream::Step::plain_http : Stream::Step::plain_other;
  return false;
}

}  // namespace

int read_socket(BIO* bio, char* into, std::size_t room, std::size_t* got) {
  SocketBio& now = socket_bio();
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
    if (now.server != nullptr && !is_tls(now, static_cast<unsigned char>(*into))) {
      now.strange_bytes.assign(into, std::min(static_cast<std::size_t>(received), kStrangeBytes));
      return 0;
    }
  }
  *got = static_cast<std::size_t>(received);
  return 1;
}

namespace {

long control_socket(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

SocketBio::SocketBio() : method(BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "weir")) {
  BIO_meth_set_read_ex(method, read_socket);
  BIO_meth_set_write_ex(method, write_socket);
  BIO_meth_set_ctrl(method, control_socket);
  bio = BIO_new(method);
  BIO_set_init(bio, 1);
  ERR_clear_error();
}

}  // namespace weir::tls
