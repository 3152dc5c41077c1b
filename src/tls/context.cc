#include "tls/context.h"

#include "base/assert.h"
#include "tls/stream.h"

namespace weir::tls {
namespace {

constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// 112 bits: RSA from 2048, no SHA-1.
constexpr int kSecurityLevel = 2;
constexpr int kVerifyDepth = 10;

}  // namespace

OwnedContext new_context(Library& library, const SSL_METHOD* method, int min_version) {
  OwnedContext context(SSL_CTX_new_ex(library.context(), nullptr, method));
  WEIR_ASSERT(context != nullptr);
  SSL_CTX* raw = context.get();
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  SSL_CTX_set_min_proto_version(raw, min_version);
  SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION);
  WEIR_ASSERT(SSL_CTX_set_cipher_list(raw, kCiphers12) == 1);
  WEIR_ASSERT(SSL_CTX_set_ciphersuites(raw, kCiphers13) == 1);
  WEIR_ASSERT(SSL_CTX_set1_groups_list(raw, kGroups) == 1);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_msg_callback(raw, Stream::on_record);
  SSL_CTX_set_verify_depth(raw, kVerifyDepth);
  return context;
}

}  // namespace weir::tls
