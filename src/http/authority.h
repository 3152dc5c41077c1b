// host[:port], as in Host, in absolute targets and in CONNECT (RFC 9110 4.2 and 7.2, RFC 3986 3.2).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

struct Authority {
  std::string_view host;   // a name, an IPv4 address or a bracketed IPv6 address, as received
  std::uint16_t port = 0;  // only if has_port
  bool has_port = false;
};

// Null when `text` is host[:port], else the rule it breaks. Stricter than RFC 3986 where readers differ: no empty host,
// no userinfo, no ',' and no escapes in names, no zone or future form in brackets. An empty port is as none.
const char* parse_authority(std::string_view text, Authority& out);

// `authority`, which is valid, in the form that every reader takes for the same: without the colon of an empty port.
inline std::string_view without_empty_port(std::string_view authority) {
  return authority.ends_with(':') ? authority.substr(0, authority.size() - 1) : authority;
}

// Whether two valid authorities name the same origin: hosts compared ignoring case, a missing port standing for
// `default_port`.
bool same_origin(const Authority& a, const Authority& b, std::uint16_t default_port);

}  // namespace weir::http
