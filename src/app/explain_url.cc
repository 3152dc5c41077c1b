#include <fmt/format.h>

#include "app/explain.h"
#include "app/text_table.h"
#include "base/text.h"

namespace weir::app {
namespace {

std::unexpected<std::string> no_url(const std::string& url, std::string_view why) {
  return std::unexpected(fmt::format("'{}' is no URL: {}", printable(url), why));
}

}  // namespace

base::Checked<ExplainUrl> parse_url(const std::string& url) {
  ExplainUrl parts;
  std::string_view rest = url;
  if (rest.empty()) return no_url(url, "it is empty");
  bool has_scheme = false;
  if (auto end = rest.find("://"); end != std::string_view::npos && end < rest.find_first_of("/?#")) {
    std::string_view scheme = rest.substr(0, end);
    parts.https = base::equal_ignoring_case(scheme, "https");
    if (!parts.https && !base::equal_ignoring_case(scheme, "http"))
      return no_url(url, "the scheme must be http or https");
    rest.remove_prefix(end + 3);
    has_scheme = true;
  }
  rest = rest.substr(0, rest.find('#'));
  auto path = std::min(rest.find_first_of("/?"), rest.size());
  parts.authority = rest.substr(0, path);
  parts.target = rest.substr(path);
  if (!parts.target.starts_with('/')) parts.target.insert(0, "/");
  if (parts.authority.empty()) {
    if (has_scheme) return no_url(url, "it has no host");
    return parts;
  }
  if (parts.authority.find('@') != std::string::npos) return no_url(url, "user names do not belong into it");
  std::string_view host = parts.authority;
  parts.port = parts.https ? 443 : 80;
  auto colon = host.rfind(':');
  bool is_bare_v6 = host.starts_with('[') && host.ends_with(']');
  if (colon != std::string_view::npos && !is_bare_v6) {
    auto port = base::parse_unsigned(host.substr(colon + 1), 65535);
    if (!port || *port == 0) return no_url(url, "its port must be a number of 1 to 65535");
    parts.port = static_cast<std::uint16_t>(*port);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return no_url(url, "it has no host");
  parts.host = host;
  return parts;
}

}  // namespace weir::app
