#include "route/host_pattern.h"

#include "base/text.h"

namespace weir::route {

std::string_view without_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos) return authority;
  const auto bracket = authority.rfind(']');
  if (bracket != std::string_view::npos && bracket > colon) return authority;
  return authority.substr(0, colon);
}

std::string_view routing_host(std::string_view authority, HostBuffer& buffer) {
  std::string_view host = without_port(authority);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > buffer.size()) return {};
  for (std::size_t i = 0; i < host.size(); ++i) buffer[i] = base::ascii_lower(host[i]);
  return {buffer.data(), host.size()};
}

HostPattern HostPattern::parse(std::string_view text) {
  if (text == "*") return {};
  HostPattern pattern{.kind = Kind::exact, .text = {}};
  if (text.starts_with("*.")) {
    pattern.kind = Kind::suffix;
    text.remove_prefix(2);
  }
  HostBuffer buffer;
  pattern.text = routing_host(text, buffer);
  return pattern;
}

bool HostPattern::matches(std::string_view host) const {
  if (kind == Kind::any) return true;
  if (kind == Kind::exact) return host == text;
  return host.size() > text.size() + 1 && host.ends_with(text) && host[host.size() - text.size() - 1] == '.';
}

std::string HostPattern::to_string() const {
  if (kind == Kind::any) return "*";
  return kind == Kind::exact ? text : "*." + text;
}

}  // namespace weir::route
