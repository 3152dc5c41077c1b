#include "tests/bench/load_transport.h"

#include <cerrno>
#include <openssl/err.h>
#include <sys/socket.h>

namespace weir::bench {
namespace {

ssize_t outcome(SSL* ssl, int result) {
  if (result > 0) return result;
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      ERR_clear_error();
      errno = ECONNRESET;
      return -1;
  }
}

}  // namespace

TlsClient::TlsClient(bool resume) : context_(SSL_CTX_new(TLS_client_method())), resume_(resume) {
  SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(context_, this);
  if (resume) SSL_CTX_sess_set_new_cb(context_, keep_session);
}

TlsClient::~TlsClient() {
  SSL_SESSION_free(session_);
  SSL_CTX_free(context_);
}

int TlsClient::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  SSL_SESSION_free(self->session_);
  self->session_ = session;
  return 1;
}

SSL* TlsClient::open(int fd) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  SSL_set_connect_state(ssl);
  if (resume_ && session_ != nullptr) SSL_set_session(ssl, session_);
  return ssl;
}

void TlsClient::close(SSL* ssl) {
  if (SSL_session_reused(ssl) != 0) ++resumed_;
  SSL_set_quiet_shutdown(ssl, 1);
  SSL_shutdown(ssl);
  SSL_free(ssl);
}

ssize_t send_some(int fd, SSL* ssl, std::string_view bytes) {
  if (ssl == nullptr) return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return outcome(ssl, SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())));
}

ssize_t receive_some(int fd, SSL* ssl, std::span<char> into) {
  if (ssl == nullptr) return recv(fd, into.data(), into.size(), 0);
  return outcome(ssl, SSL_read(ssl, into.data(), static_cast<int>(into.size())));
}

}  // namespace weir::bench
