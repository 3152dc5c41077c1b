#include "http2/fields.h"

#include "base/text.h"
#include "http/chars.h"
#include "http/status.h"

namespace weir::http2 {

using Kind = FieldVerdict::Kind;

namespace {

constexpr std::uint64_t kFieldOverhead = 32;  // RFC 9113 6.5.2

bool is_h2_name(std::string_view name) {
  const char* end = name.data() + name.size();
  return !name.empty() && http::scan_lower_token(name.data(), end) == end;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_h2_value(std::string_view value) {
  if (value.empty()) return true;
  if (is_blank(value.front()) || is_blank(value.back())) return false;
  const char* end = value.data() + value.size();
  return http::scan_field_value(value.data(), end) == end;
}

}  // namespace

void FieldSection::begin(http::HeaderMap& fields, base::Arena& arena, const FieldLimits& limits) {
  fields_ = &fields;
  arena_ = &arena;
  limits_ = limits;
}

bool FieldSection::count(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  ++count_;
  if (verdict_.kind == Kind::malformed) return false;
  if (bytes_ > limits_.bytes) refuse(Kind::refused, 431, "request header is too large");
  if (count_ > limits_.count) refuse(Kind::refused, 431, "too many fields");
  return verdict_.kind == Kind::fine || verdict_.status != 431;
}

const http::HeaderField* FieldSection::take_regular(std::string_view name, std::string_view value, bool never_indexed) {
  regular_seen_ = true;
  if (!is_h2_name(name)) {
    malformed("field name is not a token in lower case (RFC 9113 8.2.1)");
    return nullptr;
  }
  if (!is_h2_value(value)) {
    malformed("control byte or outer blank in a field value (RFC 9113 8.2.1)");
    return nullptr;
  }
  http::HeaderId id = http::header_id(name);
  switch (id) {
    case http::HeaderId::connection:
    case http::HeaderId::keep_alive:
    case http::HeaderId::proxy_connection:
    case http::HeaderId::transfer_encoding:
    case http::HeaderId::upgrade:
      malformed("field of an HTTP/1 connection (RFC 9113 8.2.2)");
      return nullptr;
    case http::HeaderId::te:
      if (!base::equal_ignoring_case(value, "trailers")) {
        malformed("TE other than trailers (RFC 9113 8.2.2)");
        return nullptr;
      }
      break;
    default:
      break;
  }
  http::HeaderField field{.name = http::header_name(id), .value = {}, .id = id, .never_indexed = never_indexed};
  if (id == http::HeaderId::other) field.name = arena_->copy(name);
  field.value = arena_->copy(value);
  fields_->add(field);
  return &(*fields_)[fields_->size() - 1];
}

void FieldSection::take_length(std::string_view value) {
  if (length_) return malformed("repeated Content-Length (RFC 9110 8.6)");
  length_ = base::parse_unsigned(value, INT64_MAX);
  if (!length_) malformed("Content-Length is not one decimal number (RFC 9110 8.6)");
}

void ResponseSection::begin(http::ResponseHead& head, base::Arena& arena, const FieldLimits& limits) {
  *this = {};
  head.clear();
  head.version = http::Version::http_2;
  head_ = &head;
  FieldSection::begin(head.headers, arena, limits);
}

void ResponseSection::take(std::string_view name, std::string_view value, bool never_indexed) {
  if (!count(name, value)) return;
  if (name.empty() || name[0] != ':') {
    const http::HeaderField* field = take_regular(name, value, never_indexed);
    if (field != nullptr && field->id == http::HeaderId::content_length) take_length(field->value);
    return;
  }
  if (regular_seen_) return malformed("pseudo-field behind a regular field (RFC 9113 8.3)");
  if (name != ":status") return malformed("pseudo-field that responses do not have (RFC 9113 8.3.2)");
  if (head_->status != 0) return malformed("repeated :status (RFC 9113 8.3)");
  if (value.size() != 3 || value[0] < '1' || value[0] > '5') {
    return malformed("status outside 100 to 599 (RFC 9110 15)");
  }
  std::optional<std::uint64_t> status = base::parse_unsigned(value, 599);
  if (!status) return malformed("status is not three digits (RFC 9113 8.3.2)");
  head_->status = static_cast<std::uint16_t>(*status);
}

FieldVerdict ResponseSection::finish(bool ends_stream, std::string_view request_method) {
  if (head_->status == 0) malformed("missing :status (RFC 9113 8.3.2)");
  if (head_->status == 101) malformed("101 in HTTP/2 (RFC 9113 8.6)");
  if (head_->status < 200 && ends_stream) malformed("interim response that ends the stream (RFC 9113 8.1)");
  bool has_content = http::content_allowed(head_->status, request_method);
  if (ends_stream) {
    if (has_content && length_.value_or(0) != 0) malformed("body shorter than Content-Length (RFC 9113 8.1.1)");
  } else if (!has_content) {
    // A response that may not have content ends with an empty frame.
    head_->body = {.kind = http::BodyFraming::Kind::length, .length = 0};
  } else if (length_) {
    head_->body = {.kind = http::BodyFraming::Kind::length, .length = *length_};
  } else {
    head_->body = {.kind = http::BodyFraming::Kind::chunked, .length = 0};
  }
  return verdict_;
}

void TrailerSection::begin(http::HeaderMap& fields, base::Arena& arena, const FieldLimits& limits) {
  *this = {};
  fields.clear();
  FieldSection::begin(fields, arena, limits);
}

void TrailerSection::take(std::string_view name, std::string_view value, bool never_indexed) {
  if (!count(name, value)) return;
  if (!name.empty() && name[0] == ':') return malformed("pseudo-field in trailers (RFC 9113 8.1)");
  take_regular(name, value, never_indexed);
}

FieldVerdict TrailerSection::finish(bool ends_stream) {
  if (!ends_stream) malformed("trailers that do not end the stream (RFC 9113 8.1)");
  return verdict_;
}

}  // namespace weir::http2
