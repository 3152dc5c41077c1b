#include "http2/head.h"

#include <utility>

#include "base/text.h"
#include "http/message.h"

namespace weir::http2 {

void HeadSink::request_line(std::string_view method, std::string_view target) {
  fields_.add(":method", protocol_.empty() ? method : "CONNECT");
  if (!protocol_.empty()) fields_.add(":protocol", protocol_);
  fields_.add(":scheme", scheme_);
  fields_.add(":path", target);
  authority_due_ = true;
  tunnel_ = !protocol_.empty();
}

void HeadSink::field(std::string_view name, std::string_view value, bool lasting, bool never_indexed) {
  if (!lasting) value = arena_.copy(value);
  http::HeaderId id = http::header_id(name);
  // Proofs of HTTP/1's handshake only (RFC 8441 5).
  if (tunnel_ && id == http::HeaderId::other &&
      (base::equal_ignoring_case(name, "sec-websocket-key") ||
       base::equal_ignoring_case(name, "sec-websocket-accept"))) {
    return;
  }
  switch (id) {
    case http::HeaderId::host:
      if (std::exchange(authority_due_, false)) fields_.add(":authority", value);
      return;
    case http::HeaderId::connection:
    case http::HeaderId::keep_alive:
    case http::HeaderId::proxy_connection:
    case http::HeaderId::transfer_encoding:
    case http::HeaderId::upgrade:
      return;
    case http::HeaderId::content_length:
      // A tunnel has no length (RFC 9110 9.3.6).
      if (tunnel_) return;
      return fields_.add(name, value);
    case http::HeaderId::x_request_id:
    case http::HeaderId::traceparent:
    // Not into a table that many clients share on a connection to a backend (RFC 7541 7.1.3).
    case http::HeaderId::authorization:
    case http::HeaderId::proxy_authorization:
    case http::HeaderId::cookie:
    case http::HeaderId::set_cookie:
      return fields_.add(name, value, FieldList::Indexing::never);
    default:
      return fields_.add(name, value, never_indexed ? FieldList::Indexing::never : FieldList::Indexing::allowed);
  }
}

}  // namespace weir::http2
