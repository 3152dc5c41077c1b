#include "http/h1_start_line.h"

#include <cstring>

#include "http/authority.h"
#include "http/chars.h"
#include "http/target.h"

namespace weir::http {
namespace {

constexpr std::size_t kVersionBytes = 8;  // "HTTP/1.1"

StartLine refuse(Broken& broken, const char* what, std::uint16_t status = 400) {
  broken = {what, status};
  return StartLine::broken;
}

// Reads "HTTP/1.1" or another 1.x byte by byte. Of a higher minor version it is the highest known (RFC 9110 2.5).
StartLine read_version(const char*& at, const char* end, Version& version, Broken& broken) {
  if (static_cast<std::size_t>(end - at) >= kVersionBytes && std::memcmp(at, "HTTP/1.1", kVersionBytes) == 0) {
    version = Version::http_1_1;
    at += kVersionBytes;
    return StartLine::complete;
  }
  constexpr std::string_view kShape = "HTTP/d.d";
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (at + i == end) return StartLine::incomplete;
    const bool fits = kShape[i] == 'd' ? at[i] >= '0' && at[i] <= '9' : at[i] == kShape[i];
    if (!fits) return refuse(broken, "malformed HTTP version (RFC 9112 2.3)");
  }
  if (at[5] != '1') return refuse(broken, "HTTP version that is not supported (RFC 9110 15.6.6)", 505);
  version = at[7] == '0' ? Version::http_1_0 : Version::http_1_1;
  at += kVersionBytes;
  return StartLine::complete;
}

// Reads CRLF.
StartLine read_line_end(const char*& at, const char* end, const char* what, Broken& broken) {
  if (at == end) return StartLine::incomplete;
  if (*at == '\n') return refuse(broken, "bare LF at the end of the start line (RFC 9112 2.2)");
  if (*at != '\r') return refuse(broken, what);
  if (end - at < 2) return StartLine::incomplete;
  if (at[1] != '\n') return refuse(broken, "bare CR in the start line (RFC 9112 2.2)");
  at += 2;
  return StartLine::complete;
}

// Version and CRLF behind the target: at once when they are the usual ones.
StartLine read_request_version(const char*& at, const char* end, RequestHead& head, Broken& broken) {
  if (end - at >= 10 && std::memcmp(at, "HTTP/1.1\r\n", 10) == 0) [[likely]] {
    at += 10;
    return StartLine::complete;
  }
  StartLine state = read_version(at, end, head.version, broken);
  if (state == StartLine::complete) {
    return read_line_end(at, end, "bytes behind the version in the request line (RFC 9112 3)", broken);
  }
  if (state == StartLine::broken && broken.status == 505 && head.method == "PRI") {
    broken.what = "HTTP/2 connection preface where HTTP/1 is spoken (RFC 9113 3.4)";
  }
  return state;
}

const char* broken_method(char c, std::size_t length) {
  if (c == '\n') return "bare LF in the request line (RFC 9112 2.2)";
  if (c == '\r' && length != 0) return "request line without a target (RFC 9112 3)";
  return length == 0 ? "request does not begin with a method (RFC 9112 3)" : "method is not a token (RFC 9110 9.1)";
}

const char* broken_target(char c, std::size_t length) {
  switch (c) {
    case ' ':
      return length == 0 ? "more than one space in the request line (RFC 9112 3)" : nullptr;
    case '\r':
    case '\n':
      return "request line without a version (RFC 9112 3)";
    default:
      return broken_target_byte(c);
  }
}

}  // namespace

StartLine read_request_line(const char*& at, const char* end, RequestHead& head, Broken& broken) {
  const char* method_end = scan_by_table(at, end, kTokenChar);
  if (method_end == end) return StartLine::incomplete;
  head.method = {at, static_cast<std::size_t>(method_end - at)};
  if (*method_end != ' ' || head.method.empty()) return refuse(broken, broken_method(*method_end, head.method.size()));
  const char* target = method_end + 1;
  const char* target_end = scan_target(target, end);
  head.target = {target, static_cast<std::size_t>(target_end - target)};
  if (target_end == end) return StartLine::incomplete;
  if (const char* what = broken_target(*target_end, head.target.size())) return refuse(broken, what);
  at = target_end + 1;
  // The version first: the HTTP/2 preface has a target that would be refused for the wrong reason.
  if (StartLine state = read_request_version(at, end, head, broken); state != StartLine::complete) return state;
  Target parts;
  if (const char* what = split_target(head.method, head.target, parts)) return refuse(broken, what);
  head.form = parts.form;
  head.scheme = parts.scheme;
  head.authority = without_empty_port(parts.authority);
  head.path = parts.path;
  if (parts.plain_path) head.routed_path = parts.path;
  head.query = parts.query;
  head.has_query = parts.has_query;
  return StartLine::complete;
}

StartLine read_status_line(const char*& at, const char* end, ResponseHead& head, Broken& broken) {
  if (StartLine state = read_version(at, end, head.version, broken); state != StartLine::complete) return state;
  if (at == end) return StartLine::incomplete;
  if (*at != ' ') return refuse(broken, "no space behind the version in the status line (RFC 9112 4)");
  ++at;
  for (unsigned digit = 0; digit < 3; ++digit, ++at) {
    if (at == end) return StartLine::incomplete;
    if (*at < '0' || *at > '9') return refuse(broken, "status is not three digits (RFC 9112 4)");
    head.status = static_cast<std::uint16_t>(head.status * 10 + (*at - '0'));
    if (digit == 0 && (head.status < 1 || head.status > 5)) {
      return refuse(broken, "status outside 100 to 599 (RFC 9110 15)");
    }
  }
  if (at != end && *at == ' ') {
    ++at;
    const char* reason_end = scan_field_value(at, end);
    head.reason = {at, static_cast<std::size_t>(reason_end - at)};
    at = reason_end;
  }
  return read_line_end(at, end, "byte that is not allowed in the status line (RFC 9112 4)", broken);
}

}  // namespace weir::http
