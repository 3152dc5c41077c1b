// The server's side of TLS on a scripted connection, with a certificate of the test.
#pragma once

#include <functional>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string>

#include "tests/support/scripted_server.h"

namespace weir::test {

// Shakes hands with the chain and key of two PEM texts, lets `talk` speak, and ends TLS. Whether the handshake
// succeeded.
inline bool serve_tls(ScriptedConnection& connection, const std::string& cert, const std::string& key,
                      const std::function<void(SSL*)>& talk = {}) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BIO* cert_text = BIO_new_mem_buf(cert.data(), static_cast<int>(cert.size()));
  BIO* key_text = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  X509* certificate = PEM_read_bio_X509(cert_text, nullptr, nullptr, nullptr);
  EVP_PKEY* secret = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, secret);
  X509_free(certificate);
  EVP_PKEY_free(secret);
  BIO_free(cert_text);
  BIO_free(key_text);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, connection.fd());
  bool is_good = SSL_accept(ssl) == 1;
  if (is_good && talk) talk(ssl);
  if (is_good) SSL_shutdown(ssl);
  SSL_free(ssl);
  SSL_CTX_free(context);
  return is_good;
}

}  // namespace weir::test
