// How the load generator's bytes travel: plain, or through TLS.
#pragma once

#include <cstddef>
#include <openssl/ssl.h>
#include <span>
#include <string_view>
#include <sys/types.h>

namespace weir::bench {

// The common part of all TLS connections of the generator. Certificates are not checked: this measures the other side.
class TlsClient {
 public:
  // `resume`: every connection but the first resumes the session of the last one.
  explicit TlsClient(bool resume);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  SSL* open(int fd);
  // How many handshakes resumed a session.
  std::size_t resumed() const { return resumed_; }
  void close(SSL* ssl);

 private:
  static int keep_session(SSL* ssl, SSL_SESSION* session);
  SSL_CTX* context_;
  SSL_SESSION* session_ = nullptr;
  bool resume_;
  std::size_t resumed_ = 0;
};

// As send(2) and recv(2): -1 with EAGAIN when the socket must be waited for.
ssize_t send_some(int fd, SSL* ssl, std::string_view bytes);
ssize_t receive_some(int fd, SSL* ssl, std::span<char> into);

}  // namespace weir::bench
