// Request heads. What is refused, with 400 unless said, and never repaired:
//   - in any line: bare CR, bare LF, NUL and other control bytes;
//   - in the request line: a method that is no token, more than one space, a missing or malformed version ("http/1.1"),
//     another version than 1.x (505; so is the preface of HTTP/2), and the targets that target.h lists;
//   - fields that are folded, have white space before the colon or before the first of them, an empty name, or a name
//     that is no token;
//   - Content-Length that is repeated, even with the same value, or is not one number of digits only below 2^63;
//   - Transfer-Encoding other than exactly one "chunked" (501 if another coding comes first), in HTTP/1.0, or together
//     with Content-Length;
//   - Host that is missing in HTTP/1.1, repeated, invalid, empty, or differs from the host in the target;
//   - more than the limits: start line (414), head, fields and Connection options (431).
// RFC 9112 allows some of these to be repaired. Who repairs differently from the next hop lets requests be smuggled.
#include "http/h1_head.h"

namespace weir::http {

namespace {

// Other protocols that are spoken to ports of HTTP by mistake: their sender never meant to keep the rule that it broke.
// Null: none of them.
const char* other_protocol(std::string_view bytes) {
  constexpr std::string_view kProxyV2("\r\n\r\n\0\r\nQUIT\n", 12);
  if (bytes.starts_with('\x16')) return "TLS on a port that speaks plain HTTP";
  bool proxied = bytes.starts_with("PROXY ") || bytes.starts_with(kProxyV2);
  return proxied ? "PROXY protocol header on a listener without proxy_protocol" : nullptr;
}

}  // namespace

Parsed parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head) {
  head.clear();
  const char* begin = bytes.data();
  const char* at = begin;
  // Bytes beyond the limits are not looked at, so that the verdict does not depend on how much has arrived.
  const bool full = bytes.size() >= limits.head_bytes;
  const char* end = begin + std::min<std::size_t>(bytes.size(), limits.head_bytes);
  if (at != end && *at == '\r') {
    if (end - at < 2) return {};
    if (at[1] != '\n') return refused("bare CR before the request line (RFC 9112 2.2)", 400);
    at += 2;
  }
  const char* line_limit = at + std::min<std::size_t>(static_cast<std::size_t>(end - at), limits.start_line_bytes);
  const bool line_full = full || static_cast<std::size_t>(end - at) >= limits.start_line_bytes;
  Broken broken;
  switch (read_request_line(at, line_limit, head, broken)) {
    case StartLine::complete:
      break;
    case StartLine::incomplete:
      return line_full ? refused("request line is too long", 414) : Parsed{};
    case StartLine::broken:
      if (const char* other = other_protocol(bytes)) return refused(other, broken.status);
      return refused(broken.what, broken.status);
  }
  FramingFields framing;
  Parsed parsed = read_fields(at, end, limits, head, framing);
  if (parsed.state == Parsed::State::incomplete && full) return refused("request header is too large", 431);
  if (parsed.state != Parsed::State::complete) return parsed;
  broken = framing.finish(head);
  if (broken) return refused(broken.what, broken.status);
  parsed.consumed = static_cast<std::size_t>(at - begin);
  return parsed;
}

}  // namespace weir::http
