#include "http/framing.h"

#include "base/text.h"
#include "http/chars.h"
#include "http/h1_codec.h"
#include "http/list.h"
#include "http/status.h"

namespace weir::http {
namespace {

// The most that a signed count of bytes can hold: more than any body.
constexpr std::uint64_t kMaxLength = INT64_MAX;

}  // namespace

Broken FramingFields::take(const HeaderField& field, Version version, bool of_request) {
  switch (field.id) {
    case HeaderId::host:
      return of_request ? take_host(field.value) : Broken{};
    case HeaderId::connection:
      return take_connection(field.value);
    case HeaderId::content_length:
      return take_length(field.value);
    case HeaderId::transfer_encoding:
      return take_transfer_encoding(field.value, version);
    case HeaderId::expect:
      expects_continue_ |= base::equal_ignoring_case(field.value, "100-continue");
      return {};
    case HeaderId::upgrade:
      upgrade_ = field.value;
      ++upgrades_;
      return {};
    default:
      return {};
  }
}

Broken FramingFields::take_host(std::string_view value) {
  if (has_host_) return {"repeated Host (RFC 9112 3.2)"};
  has_host_ = true;
  host_text_ = without_empty_port(value);
  return {parse_authority(value, host_)};
}

// One number of digits only. RFC 9110 8.6 would let us take "5, 5" or equal repetitions for one; no sender that means
// well makes them.
Broken FramingFields::take_length(std::string_view value) {
  if (has_length_) return {"repeated Content-Length (RFC 9112 6.3)"};
  if (chunked_) return {"Content-Length together with Transfer-Encoding (RFC 9112 6.3)"};
  if (value.empty()) return {"empty Content-Length (RFC 9110 8.6)"};
  for (char c : value) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return {"Content-Length is not one decimal number (RFC 9110 8.6)"};
    if (length_ > (kMaxLength - digit) / 10) return {"Content-Length is too large (RFC 9110 8.6)"};
    length_ = length_ * 10 + digit;
  }
  has_length_ = true;
  return {};
}

// Exactly one coding over all fields, and that "chunked". From left to right: a coding behind chunked is a message
// whose length nobody knows, one before it is one that Weir does not implement (RFC 9112 6.1).
Broken FramingFields::take_transfer_encoding(std::string_view value, Version version) {
  if (version == Version::http_1_0) return {"Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)"};
  if (has_length_) return {"Transfer-Encoding together with Content-Length (RFC 9112 6.3)"};
  if (value.empty()) return {"empty Transfer-Encoding (RFC 9112 6.1)"};
  std::string_view rest = value;
  while (auto coding = next_piece(rest, ',')) {
    if (chunked_) {
      const bool again = base::equal_ignoring_case(*coding, "chunked");
      return {again ? "chunked applied twice (RFC 9112 6.1)"
                    : "chunked is not the final transfer coding (RFC 9112 6.3)"};
    }
    if (base::equal_ignoring_case(*coding, "chunked")) {
      chunked_ = true;
    } else if (is_token(*coding)) {
      return {"transfer coding that is not implemented (RFC 9112 6.1)", 501};
    } else {
      return {"Transfer-Encoding is not a list of codings (RFC 9112 6.1)"};
    }
  }
  return {};
}

Broken FramingFields::take_connection(std::string_view value) {
  std::string_view rest = value;
  while (auto option = next_piece(rest, ',')) {
    if (option->empty()) continue;
    if (++connection_options_ > kMaxConnectionOptions) return {"too many Connection options", 431};
    if (base::equal_ignoring_case(*option, "close")) {
      close_ = true;
    } else if (base::equal_ignoring_case(*option, "keep-alive")) {
      keep_alive_ = true;
    } else if (base::equal_ignoring_case(*option, "upgrade")) {
      upgrade_option_ = true;
    }
  }
  return {};
}

// RFC 9112 9.3: 1.1 persists unless told to close, 1.0 only when asked to.
bool FramingFields::keeps_alive(Version version) const {
  if (close_) return false;
  return version == Version::http_1_0 ? keep_alive_ : true;
}

// An absolute target or that of CONNECT must name what Host names. RFC 9112 3.2.2 tells a proxy to overrule Host; a
// sender that makes them differ means one of us to be fooled.
const char* FramingFields::match_host(const RequestHead& head) const {
  Authority named;
  if (const char* what = parse_authority(head.authority, named)) return what;
  std::uint16_t default_port = base::equal_ignoring_case(head.scheme, "https") ? 443 : 80;
  if (head.form == TargetForm::authority) default_port = named.port;
  return same_origin(named, host_, default_port) ? nullptr : "request target and Host disagree (RFC 9112 3.2)";
}

Broken FramingFields::finish(RequestHead& head) const {
  if (!has_host_) {
    if (head.version != Version::http_1_0) return {"missing Host (RFC 9112 3.2)"};
  } else if (head.form == TargetForm::absolute || head.form == TargetForm::authority) {
    if (const char* what = match_host(head)) return {what};
  } else {
    head.authority = host_text_;
  }
  if (chunked_) {
    head.body = {BodyFraming::Kind::chunked, 0};
  } else if (has_length_) {
    head.body = {BodyFraming::Kind::length, length_};
  }
  head.keep_alive = keeps_alive(head.version);
  if (head.version != Version::http_1_0) {
    head.expects_continue = expects_continue_ && (chunked_ || length_ != 0);
    head.wants_upgrade = upgrade_option_ && upgrades_ == 1 && !upgrade_.empty();
    if (head.wants_upgrade) head.upgrade = upgrade_;
  }
  return {};
}

void FramingFields::finish(ResponseHead& head, std::string_view request_method) const {
  head.keep_alive = keeps_alive(head.version);
  if (!content_allowed(head.status, request_method)) {
    // A status without a body that claims one: whatever follows is not a response, so nothing more is read from there.
    const bool never = head.status < 200 || head.status == 204;
    if (never && (chunked_ || length_ != 0)) head.keep_alive = false;
  } else if (chunked_) {
    head.body = {BodyFraming::Kind::chunked, 0};
  } else if (has_length_) {
    head.body = {BodyFraming::Kind::length, length_};
  } else {
    head.body = {BodyFraming::Kind::until_close, 0};
    head.keep_alive = false;
  }
}

}  // namespace weir::http
