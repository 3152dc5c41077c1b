// One line of the access log, before it is text.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace weir::access_log {

// The parameters of a client's TLS connection.
struct TlsRecord {
  std::string_view version;         // "TLSv1.3"
  std::string_view cipher;          // "TLS_AES_128_GCM_SHA256"
  std::string_view sni;             // the name that the client asked for
  std::string_view alpn;            // the protocol
  std::string_view client_subject;  // of its verified certificate, RFC 2253
  bool resumed = false;
};

// The facts of an exchange (or of a relayed TCP connection) when it ends. The views must be valid during
// Log::write() only. Fields that do not apply are empty or 0. Names and meanings are those of
// config/access_log_fields.h.
struct Record {
  std::int64_t unix_ms = 0;  // when the first byte of the request arrived
  std::string_view client;   // address of the client, without port
  std::uint16_t client_port = 0;
  std::string_view method;
  std::string_view target;  // as received
  std::string_view path;
  std::string_view query;  // without '?'
  std::string_view host;
  std::string_view version;       // "HTTP/1.1"
  std::uint16_t status = 0;       // sent to the client
  std::uint64_t bytes_in = 0;     // from the client, heads and bodies
  std::uint64_t bytes_out = 0;    // to the client, heads and bodies
  base::Nanoseconds duration{0};  // first byte of the request to last byte of the response
  base::Nanoseconds upstream{0};  // start of the last attempt to the head of its response
  base::Nanoseconds queue{0};     // waiting for a connection of a backend at its limit
  std::string_view listener;
  std::string_view route;
  std::string_view pool;
  std::string_view backend;
  std::uint32_t attempts = 0;
  std::string_view request_id;
  std::string_view user_agent;
  std::string_view referer;
  const TlsRecord* tls = nullptr;  // null: no TLS
  std::string_view termination;    // who ended it and how: "ok", "client_abort", "backend_timeout", ...
  std::string_view detail;         // why: "connect: Connection refused"; empty when nothing failed
};

}  // namespace weir::access_log
