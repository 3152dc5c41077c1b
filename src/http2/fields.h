// Field sections of HTTP/2 as heads and trailers of the message model: read field by field as HPACK yields them, and
// checked (RFC 9113 8.2 and 8.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace weir::http2 {

struct FieldLimits {
  std::uint32_t bytes = 16 * 1024;  // names and values, and 32 for each field (RFC 9113 6.5.2)
  std::uint32_t count = 100;
};

// The verdict on a whole field section.
struct FieldVerdict {
  enum class Kind : std::uint8_t {
    fine,
    malformed,  // breaks HTTP/2 itself: the stream is reset with PROTOCOL_ERROR (RFC 9113 8.1.1)
    refused,    // understood, but not to be served: `status` says why
  } kind = Kind::fine;
  std::uint16_t status = 0;
  const char* what = "";
};

// The common part of reading a field section. A section beyond its limits is still to be passed in to the end, for
// HPACK's sake, but nothing more of it is kept.
class FieldSection {
 public:
  // Bytes of names and values so far, kept or not, with 32 for each field.
  std::uint64_t bytes() const { return bytes_; }

 protected:
  void begin(http::HeaderMap& fields, base::Arena& arena, const FieldLimits& limits);
  // False when nothing more is to be kept.
  bool count(std::string_view name, std::string_view value);
  // A regular field, checked, copied to the arena and added; null when a rule is broken.
  const http::HeaderField* take_regular(std::string_view name, std::string_view value, bool never_indexed);
  void malformed(const char* what) { refuse(FieldVerdict::Kind::malformed, 400, what); }
  void refuse(FieldVerdict::Kind kind, std::uint16_t status, const char* what) {
    if (verdict_.kind == FieldVerdict::Kind::fine) verdict_ = {kind, status, what};
  }
  void take_length(std::string_view value);

  http::HeaderMap* fields_ = nullptr;
  base::Arena* arena_ = nullptr;
  FieldLimits limits_;
  std::uint64_t bytes_ = 0;
  std::uint32_t count_ = 0;
  bool regular_seen_ = false;
  std::optional<std::uint64_t> length_;
  FieldVerdict verdict_;
};

// A request. Views of `head` are static or live in `arena`.
//
// Malformed are: upper case and other bytes that are no token in names; control bytes, and blanks at the ends, in
// values; pseudo-fields that are unknown, repeated, missing or behind a regular field; the fields of a connection
// (Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade), TE other than "trailers"; Host that names
// another place than :authority; Content-Length that is repeated, no number, or not 0 for a request without a body.
// Refused are targets, hosts and sizes that HTTP/1 requests are refused for.
//
// An extended CONNECT (RFC 8441) to "websocket" becomes what it means: a GET that wants an upgrade to websocket, with
// head.extended_connect.
class RequestSection final : public FieldSection {
 public:
  void begin(http::RequestHead& head, base::Arena& arena, const FieldLimits& limits);
  void take(std::string_view name, std::string_view value, bool never_indexed = false);
  // After the last field. `ends_stream`: no body follows.
  FieldVerdict finish(bool ends_stream);

 private:
  void take_pseudo(std::string_view name, std::string_view value);
  void finish_connect();
  void finish_target();
  void finish_authority();
  void finish_body(bool ends_stream);
  void join_cookies();

  http::RequestHead* head_ = nullptr;
  std::string_view protocol_;
  std::string_view authority_;
  std::string_view host_;
  std::uint32_t cookies_ = 0;
  bool has_method_ = false, has_scheme_ = false, has_path_ = false, has_authority_ = false, has_protocol_ = false;
  bool has_host_ = false, expects_continue_ = false;
};

// A response, final or interim.
class ResponseSection final : public FieldSection {
 public:
  void begin(http::ResponseHead& head, base::Arena& arena, const FieldLimits& limits);
  void take(std::string_view name, std::string_view value, bool never_indexed = false);
  FieldVerdict finish(bool ends_stream, std::string_view request_method);

 private:
  http::ResponseHead* head_ = nullptr;
};

// Trailers of either.
class TrailerSection final : public FieldSection {
 public:
  void begin(http::HeaderMap& fields, base::Arena& arena, const FieldLimits& limits);
  void take(std::string_view name, std::string_view value, bool never_indexed = false);
  FieldVerdict finish(bool ends_stream);
};

}  // namespace weir::http2
