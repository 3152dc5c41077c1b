// Requests of HTTP/2: the pseudo-fields and what they say together (RFC 9113 8.3.1, RFC 8441 4).
#include <algorithm>

#include "base/text.h"
#include "http/authority.h"
#include "http/chars.h"
#include "http/target.h"
#include "http2/fields.h"

namespace weir::http2 {

using Kind = FieldVerdict::Kind;

void RequestSection::begin(http::RequestHead& head, base::Arena& arena, const FieldLimits& limits) {
  *this = {};
  head.clear();
  head.version = http::Version::http_2;
  head_ = &head;
  FieldSection::begin(head.headers, arena, limits);
}

void RequestSection::take(std::string_view name, std::string_view value, bool never_indexed) {
  if (!count(name, value)) return;
  if (!name.empty() && name[0] == ':') return take_pseudo(name, value);
  const http::HeaderField* field = take_regular(name, value, never_indexed);
  if (field == nullptr) return;
  switch (field->id) {
    case http::HeaderId::host:
      if (has_host_) return malformed("repeated Host (RFC 9110 7.2)");
      has_host_ = true;
      host_ = field->value;
      // The head's authority says it.
      return fields_->keep_first(fields_->size() - 1);
    case http::HeaderId::content_length:
      return take_length(field->value);
    case http::HeaderId::cookie:
      ++cookies_;
      return;
    case http::HeaderId::expect:
      expects_continue_ |= base::equal_ignoring_case(field->value, "100-continue");
      return;
    default:
      return;
  }
}

void RequestSection::take_pseudo(std::string_view name, std::string_view value) {
  if (regular_seen_) return malformed("pseudo-field behind a regular field (RFC 9113 8.3)");
  bool* seen = nullptr;
  std::string_view* place = nullptr;
  if (name == ":method") {
    seen = &has_method_, place = &head_->method;
  } else if (name == ":scheme") {
    seen = &has_scheme_, place = &head_->scheme;
  } else if (name == ":path") {
    seen = &has_path_, place = &head_->target;
  } else if (name == ":authority") {
    seen = &has_authority_, place = &authority_;
  } else if (name == ":protocol") {
    seen = &has_protocol_, place = &protocol_;
  } else {
    return malformed("unknown pseudo-field (RFC 9113 8.3)");
  }
  if (*seen) return malformed("repeated pseudo-field (RFC 9113 8.3)");
  *seen = true;
  if (value.empty() && place != &authority_) return malformed("empty pseudo-field (RFC 9113 8.3.1)");
  const char* end = value.data() + value.size();
  if (http::scan_dark(value.data(), end) != end) {
    return malformed("space or control byte in a pseudo-field (RFC 9113 8.2.1)");
  }
  *place = arena_->copy(value);
}

FieldVerdict RequestSection::finish(bool ends_stream) {
  if (verdict_.kind != Kind::fine) {
    // The fields before the limit still name the request in logs.
    return verdict_;
  }
  if (!has_method_) {
    malformed("missing :method (RFC 9113 8.3.1)");
  } else if (!http::is_token(head_->method)) {
    malformed("method is not a token (RFC 9110 9.1)");
  } else if (has_protocol_ || head_->method == "CONNECT") {
    finish_connect();
  } else if (!has_scheme_ || !has_path_) {
    malformed("missing :scheme or :path (RFC 9113 8.3.1)");
  }
  if (verdict_.kind == Kind::fine) finish_body(ends_stream);
  if (verdict_.kind == Kind::fine) finish_target();
  if (verdict_.kind == Kind::fine) finish_authority();
  if (cookies_ > 1) join_cookies();
  return verdict_;
}

void RequestSection::finish_connect() {
  if (head_->method != "CONNECT") return malformed(":protocol without CONNECT (RFC 8441 4)");
  if (!has_protocol_) {
    if (has_scheme_ || has_path_) return malformed("CONNECT with :scheme or :path (RFC 9113 8.5)");
    if (!has_authority_) return malformed("CONNECT without :authority (RFC 9113 8.5)");
    head_->target = authority_;
    return;
  }
  if (!has_scheme_ || !has_path_) return malformed("extended CONNECT without :scheme or :path (RFC 8441 4)");
  if (!has_authority_) return malformed("extended CONNECT without :authority (RFC 8441 5)");
  if (!base::equal_ignoring_case(protocol_, "websocket")) {
    return refuse(Kind::refused, 501, "extended CONNECT to a protocol that is not offered (RFC 9220 3)");
  }
  head_->extended_connect = true;
  head_->wants_upgrade = true;
  head_->upgrade = "websocket";
  head_->method = "GET";
}

void RequestSection::finish_target() {
  if (!head_->scheme.empty() && !base::equal_ignoring_case(head_->scheme, "http") &&
      !base::equal_ignoring_case(head_->scheme, "https")) {
    return refuse(Kind::refused, 400, "scheme is neither http nor https (RFC 9110 4.2)");
  }
  http::Target target;
  const char* what = http::parse_target(head_->method, head_->target, target);
  if (what == nullptr && target.form == http::TargetForm::absolute)
    what = "path does not begin with / (RFC 9113 8.3.1)";
  if (what != nullptr) return refuse(Kind::refused, 400, what);
  head_->form = target.form;
  head_->path = target.path;
  if (target.plain_path) head_->routed_path = target.path;
  head_->query = target.query;
  head_->has_query = target.has_query;
  // The message model has a scheme for the absolute form only; in HTTP/2 a client may claim any.
  head_->scheme = {};
}

void RequestSection::finish_authority() {
  http::Authority named;
  http::Authority host;
  bool has_authority = has_authority_ && !authority_.empty();
  if (has_authority_ && authority_.empty()) return malformed("empty :authority (RFC 9113 8.3.1)");
  if (!has_authority && !has_host_) return refuse(Kind::refused, 400, "missing :authority and Host (RFC 9113 8.3.1)");
  if (has_authority) {
    if (const char* what = http::parse_authority(authority_, named)) return refuse(Kind::refused, 400, what);
  }
  if (has_host_) {
    if (const char* what = http::parse_authority(host_, host)) return refuse(Kind::refused, 400, what);
  }
  // No default port: neither side has a reason to write it in one place only.
  if (has_authority && has_host_ && !http::same_origin(named, host, 0)) {
    return malformed(":authority and Host disagree (RFC 9113 8.3.1)");
  }
  head_->authority = http::without_empty_port(has_authority ? authority_ : host_);
}

void RequestSection::finish_body(bool ends_stream) {
  bool tunnel = head_->extended_connect || head_->method == "CONNECT";
  // As a request of HTTP/1 it would announce a body that never comes.
  if (tunnel && length_) return malformed("CONNECT with Content-Length (RFC 9110 9.3.6)");
  if (ends_stream) {
    if (length_.value_or(0) != 0) malformed("body shorter than Content-Length (RFC 9113 8.1.1)");
    return;
  }
  if (tunnel) return;
  head_->body = {.kind = length_ ? http::BodyFraming::Kind::length : http::BodyFraming::Kind::chunked,
                 .length = length_.value_or(0)};
  head_->expects_continue = expects_continue_ && length_ != 0u;
}

// RFC 9113 8.2.3: HTTP/1 knows one Cookie field, and splits its crumbs by "; ".
void RequestSection::join_cookies() {
  std::size_t bytes = 0;
  for (const http::HeaderField& field : *fields_) {
    if (field.id == http::HeaderId::cookie) bytes += field.value.size() + 2;
  }
  if (bytes == 0) return;
  char* text = arena_->allocate(bytes);
  char* at = text;
  std::size_t kept = 0;
  std::size_t first = SIZE_MAX;
  for (std::size_t i = 0; i < fields_->size(); ++i) {
    http::HeaderField& field = (*fields_)[i];
    if (field.id == http::HeaderId::cookie) {
      if (first != SIZE_MAX) at = std::copy_n("; ", 2, at);
      at = std::copy(field.value.begin(), field.value.end(), at);
      if (first != SIZE_MAX) continue;
      first = kept;
    }
    (*fields_)[kept++] = field;
  }
  fields_->keep_first(kept);
  (*fields_)[first].value = {text, static_cast<std::size_t>(at - text)};
}

}  // namespace weir::http2
