// The facts of an established TLS connection, apart from whatever carries its bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/tcp.h"

struct ssl_st;

namespace weir::tls {

// The facts in a client's verified certificate, ready for headers.
struct ClientIdentity {
  std::string subject;      // RFC 2253
  std::string common_name;  // common_name_of()
  std::string names;        // alternative_names()
  std::string fingerprint;  // SHA-256, hexadecimal
};

// Shares the ownership of OpenSSL's object with the stream, so the facts outlive that; they are read from it when asked
// for, since copies would cost memory for every idle connection. Views live as long as any owner, those of versions and
// ciphers for ever. Only of a connection with TLS any but the operator bool may be called. The thread of the
// connection.
class ConnectionFacts {
 public:
  ConnectionFacts() = default;  // of a connection without TLS
  // Those of `stream`, which may be without TLS, closed or still in its handshake.
  static ConnectionFacts of(const net::TcpStream& stream);
  ConnectionFacts(ConnectionFacts&& other) noexcept : ssl_(std::exchange(other.ssl_, nullptr)) {}
  ConnectionFacts& operator=(ConnectionFacts&& other) noexcept {
    std::swap(ssl_, other.ssl_);
    return *this;
  }
  ~ConnectionFacts();
  explicit operator bool() const { return ssl_ != nullptr; }

  std::string_view version() const;  // "TLSv1.3"
  bool is_version_1_3() const;
  std::string_view cipher() const;       // "TLS_AES_128_GCM_SHA256"
  std::string_view server_name() const;  // of the client's SNI; empty: none
  std::string_view protocol() const;     // by ALPN; empty: none
  bool resumed() const;
  // Whether the certificate that the server's side has shown is good for this name or address (RFC 9110 4.3.4).
  bool certificate_covers(std::string_view host) const;
  // Null when the client has shown none.
  std::unique_ptr<const ClientIdentity> client_identity() const;

 private:
  explicit ConnectionFacts(ssl_st* ssl);
  ssl_st* ssl_ = nullptr;
};

}  // namespace weir::tls
