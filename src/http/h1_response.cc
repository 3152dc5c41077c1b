// Response heads. The same strictness as for requests (h1_request.cc), but for white space before a colon, which is
// removed (RFC 9112 5.1); whatever is refused is the backend's fault: 502, or 431 when a limit was passed. Besides, a
// status line without three digits from 100 to 599. A missing reason phrase is allowed, with or without the space
// before it.
#include "http/h1_head.h"

namespace weir::http {

Parsed parse_response_head(std::string_view bytes, const HeadLimits& limits, std::string_view request_method,
                           ResponseHead& head) {
  constexpr std::uint16_t kBadGateway = 502, kTooLarge = 431;
  head.clear();
  const char* begin = bytes.data();
  const char* at = begin;
  const bool full = bytes.size() >= limits.head_bytes;
  const char* end = begin + std::min<std::size_t>(bytes.size(), limits.head_bytes);
  const char* line_limit = begin + std::min<std::size_t>(static_cast<std::size_t>(end - at), limits.start_line_bytes);
  const bool line_full = full || bytes.size() >= limits.start_line_bytes;
  Broken broken;
  switch (read_status_line(at, line_limit, head, broken)) {
    case StartLine::complete:
      break;
    case StartLine::incomplete:
      return line_full ? refused("status line is too long", kTooLarge) : Parsed{};
    case StartLine::broken:
      return refused(broken.what, kBadGateway);
  }
  FramingFields framing;
  Parsed parsed = read_fields(at, end, limits, head, framing);
  if (parsed.state == Parsed::State::incomplete && full) return refused("response header is too large", kTooLarge);
  if (parsed.state == Parsed::State::invalid) {
    return refused(parsed.what, parsed.status == kTooLarge ? kTooLarge : kBadGateway);
  }
  if (parsed.state != Parsed::State::complete) return parsed;
  framing.finish(head, request_method);
  parsed.consumed = static_cast<std::size_t>(at - begin);
  return parsed;
}

}  // namespace weir::http
