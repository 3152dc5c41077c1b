// How OpenSSL reaches the sockets: one BIO for all streams of a thread, and what it needs to know while it works.
#pragma once

#include <cstddef>
#include <memory>
#include <openssl/bio.h>
#include <string>

#include "tls/stream.h"

namespace weir::tls {

// Ciphertext of a batch, and whatever a handshake sends at once: chains of certificates are bounded when loaded.
inline constexpr std::size_t kOutBytes = 256 * 1024;
inline constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

// State of OpenSSL and the BIO while they work for one stream; one per thread.
struct SocketBio {
  Stream* stream = nullptr;
  net::Descriptor* descriptor = nullptr;
  const ServerContext* server = nullptr;
  std::unique_ptr<char[]> out{new char[kOutBytes]};
  std::size_t out_bytes = 0;
  std::unique_ptr<char[]> plain{new char[kRecordBytes]};
  int os_error = 0;                           // why the socket failed in this operation
  bool ended = false;                         // the socket was at its end
  Stream::Step strange = Stream::Step::done;  // what came instead of TLS
  std::string strange_bytes;                  // its first bytes
  BIO* bio = nullptr;
  BIO_METHOD* method = nullptr;

  SocketBio();
  ~SocketBio() {
    BIO_free(bio);
    BIO_meth_free(method);
  }
};

// The one of the calling thread.
SocketBio& socket_bio();

}  // namespace weir::tls
