#include "http/authority.h"

#include "base/ip.h"
#include "base/text.h"
#include "http/chars.h"

namespace weir::http {
namespace {

constexpr const char* kUserinfo = "userinfo in host (RFC 9110 4.2.4)";

const char* parse_port(std::string_view text, Authority& out) {
  // An empty port is the same as none (RFC 3986 6.2.3).
  if (text.empty()) return nullptr;
  unsigned port = 0;
  for (char c : text) {
    if (c < '0' || c > '9') {
      return text.find('@') == std::string_view::npos ? "port in host is not a number (RFC 9110 4.2)" : kUserinfo;
    }
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > 65535) return "port in host is too large";
  }
  out.port = static_cast<std::uint16_t>(port);
  out.has_port = true;
  return nullptr;
}

// The length of "[...]" at the start of `text`, or 0 when that is no IPv6 address.
std::size_t bracketed_length(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return 0;
  for (char c : text.substr(1, close - 1)) {
    if (hex_value(c) < 0 && c != ':' && c != '.') return 0;
  }
  return base::IpAddress::parse(text.substr(0, close + 1)) ? close + 1 : 0;
}

const char* broken_host(std::string_view text, std::size_t at) {
  if (at == 0 && (text.empty() || text[0] == ':')) return "empty host (RFC 9110 4.2.1)";
  if (text.find('@') != std::string_view::npos) return kUserinfo;
  return "byte that is not allowed in a host (RFC 3986 3.2.2)";
}

}  // namespace

const char* parse_authority(std::string_view text, Authority& out) {
  out = {};
  std::size_t length = 0;
  if (!text.empty() && text[0] == '[') {
    length = bracketed_length(text);
    if (length == 0) return "brackets in host without an IPv6 address (RFC 3986 3.2.2)";
  } else {
    while (length < text.size() && is_char(text[length], kHostChar)) ++length;
  }
  if (length == 0 || (length < text.size() && text[length] != ':')) return broken_host(text, length);
  out.host = text.substr(0, length);
  return length == text.size() ? nullptr : parse_port(text.substr(length + 1), out);
}

bool same_origin(const Authority& a, const Authority& b, std::uint16_t default_port) {
  const std::uint16_t port_a = a.has_port ? a.port : default_port;
  const std::uint16_t port_b = b.has_port ? b.port : default_port;
  return port_a == port_b && base::equal_ignoring_case(a.host, b.host);
}

}  // namespace weir::http
