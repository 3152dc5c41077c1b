// Rules for a listener and its routes.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/contains.h"
#include "config/json.h"
#include "config/listen_address.h"
#include "config/reader.h"
#include "config/template_text.h"

namespace weir::config {
namespace {

void check_host_pattern(const Place& place, std::string_view key, std::string_view pattern) {
  std::string_view name = pattern;
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (is_host_name(name) || (name == pattern && base::IpAddress::parse(pattern))) return;
  bool has_port = !name.empty() && name.find(':') != name.npos && name.find(':') == name.rfind(':');
  place.fault(key, fmt::format("{} is no host; write a name without port such as shop.example, or *.example{}",
                               quoted(pattern), has_port ? " (the port is the listener's)" : ""));
}

void check_path(const Place& place, std::string_view key, const std::optional<std::string>& path) {
  if (!path) return;
  if (path->starts_with('/') && !has_control_bytes(*path) && path->find_first_of(" ?#") == std::string::npos) return;
  place.fault(key, fmt::format("must begin with '/' and have no space, '?' or '#', not {}", quoted(*path)));
}

void check_expression(const Place& place, std::string_view key, std::string_view expression, const Route& route) {
  base::Checked<void> good = check_regex(expression);
  if (good) return;
  std::string of_route = route.name.empty() ? "" : fmt::format("route {}: ", quoted(route.name));
  place.fault(key, of_route + good.error());
}

void check_named(const Place& place, std::string_view key, const std::vector<NamedMatch>& matches, const Route& route,
                 bool headers) {
  for (const NamedMatch& match : matches) {
    std::string path = fmt::format("{}.{}", key, match.name);
    if (headers && !is_token(match.name)) {
      place.fault(path, fmt::format("{} is no header name (RFC 9110 5.1)", quoted(match.name)));
    } else if (match.name.empty()) {
      place.fault(path, "the name of a query parameter must not be empty");
    }
    if (match.kind == MatchKind::regex) check_expression(place, path, match.value, route);
    if (headers && has_control_bytes(match.value)) place.fault(path, "a header value has no control bytes");
  }
}

void check_match(const Place& place, const Route& route) {
  const Match& match = route.match;
  for (std::size_t i = 0; i < match.host.size(); ++i) {
    check_host_pattern(place, fmt::format("host[{}]", i), match.host[i]);
  }
  int paths = int(match.path.has_value()) + int(match.path_prefix.has_value()) + int(match.path_regex.has_value());
  if (paths > 1) place.fault("", "has more than one of path, path_prefix and path_regex; give one of them");
  check_path(place, "path", match.path);
  check_path(place, "path_prefix", match.path_prefix);
  if (match.path_regex) check_expression(place, "path_regex", *match.path_regex, route);
  for (std::size_t i = 0; i < match.method.size(); ++i) {
    const std::string& method = match.method[i];
    if (!is_token(method)) {
      place.fault(fmt::format("method[{}]", i), fmt::format("{} is no method name", quoted(method)));
    } else if (std::ranges::any_of(method, [](char c) { return c >= 'a' && c <= 'z'; })) {
      place.fault(fmt::format("method[{}]", i),
                  fmt::format("methods are case-sensitive (RFC 9110 9.1); write upper case, not {}", quoted(method)));
    }
  }
  check_named(place, "header", match.header, route, true);
  check_named(place, "query", match.query, route, false);
}

void check_template(const Place& place, std::string_view key, std::string_view text, TemplateUse use) {
  if (auto pieces = parse_template(text, use); !pieces) place.fault(key, std::move(pieces.error()));
}

// That path_regex has every group that `to` asks for.
void check_groups(const Place& place, const std::string& to, const std::optional<std::string>& path_regex) {
  auto pieces = parse_template(to, TemplateUse::redirect);
  if (!pieces) return;  // reported already
  for (const TemplatePiece& piece : *pieces) {
    if (piece.variable != Variable::group) continue;
    if (!path_regex) {
      place.fault("to", fmt::format("'{{{}}}' needs match.path_regex, which has the groups", piece.group));
    } else if (!check_substitution(*path_regex, fmt::format("\\{}", piece.group))) {
      place.fault("to", fmt::format("'{{{}}}' is no group of match.path_regex {}", piece.group, quoted(*path_regex)));
    }
  }
}

void check_redirect(const Place& place, const Redirect& redirect, const Match& match) {
  constexpr std::array<std::uint16_t, 5> kStatuses{301, 302, 303, 307, 308};
  if (!contains(kStatuses, redirect.status)) {
    place.fault("status",
                fmt::format("{} redirects nowhere; use one of {}", redirect.status, fmt::join(kStatuses, ", ")));
  }
  const std::string& to = redirect.to;
  bool absolute = to.starts_with("http://") || to.starts_with("https://") || to.starts_with("{scheme}://");
  bool path = to.starts_with('/') || to.starts_with("{path}") || to.starts_with("{1}");
  if ((!absolute && !path) || has_control_bytes(to) || to.find(' ') != std::string::npos) {
    place.fault("to",
                fmt::format("must be a path beginning with '/' or a URL beginning with http:// or https://, not {}",
                            quoted(to)));
  }
  check_template(place, "to", to, TemplateUse::redirect);
  check_groups(place, to, match.path_regex);
}

void check_response(const Place& place, const FixedResponse& response) {
  if (response.status < 200 || response.status > 599) place.fault("status", "must be from 200 to 599");
  bool no_body = response.status == 204 || response.status == 205 || response.status == 304;
  if (no_body && !response.body.empty()) {
    place.fault("body", fmt::format("a response with status {} has no body (RFC 9110 6.4.1)", response.status));
  }
  if (response.content_type.empty() || has_control_bytes(response.content_type)) {
    place.fault("content_type", "must be a media type such as text/plain");
  }
}

void check_rewrite(const Place& place, const Route& route) {
  const Rewrite& rewrite = route.rewrite;
  if (rewrite.path_prefix && rewrite.path_regex) {
    place.fault("", "has both path_prefix and path_regex; give one of them");
  }
  if (rewrite.path_prefix && !route.match.path_prefix) {
    place.fault("path_prefix", "replaces what match.path_prefix took, but the match has none");
  }
  check_path(place, "path_prefix", rewrite.path_prefix);
  check_template(place, "path_prefix", rewrite.path_prefix.value_or(""), TemplateUse::rewrite);
  check_template(place, "substitution", rewrite.substitution, TemplateUse::rewrite);
  check_template(place, "host", rewrite.host.value_or(""), TemplateUse::rewrite);
  if (rewrite.path_regex) {
    check_expression(place, "path_regex", *rewrite.path_regex, route);
    if (auto good = check_substitution(*rewrite.path_regex, rewrite.substitution); !good) {
      place.fault("substitution", std::move(good.error()));
    }
  } else if (!rewrite.substitution.empty()) {
    place.fault("substitution", "needs path_regex, which says what it replaces");
  }
  if (!rewrite.host) return;
  std::string_view host = *rewrite.host;
  if (auto colon = host.rfind(':'); colon != host.npos && base::parse_unsigned(host.substr(colon + 1), 65535)) {
    host = host.substr(0, colon);
  }
  const bool has_variables = host.find('{') != host.npos;
  if (!has_variables && !is_host_name(host) && !base::IpAddress::parse(host)) {
    place.fault("host", fmt::format("{} is no host, alone or with a port", quoted(*rewrite.host)));
  }
}

void check_header_name(const Place& place, const std::string& path, const std::string& name) {
  if (!is_token(name)) {
    place.fault(path, fmt::format("{} is no header name (RFC 9110 5.1)", quoted(name)));
  } else if (base::equal_ignoring_case(name, "host")) {
    place.fault(path, "the host is changed with rewrite.host");
  } else if (is_own_header(name)) {
    place.fault(path, fmt::format("'{}' belongs to the connection or the framing, which Weir sets itself", name));
  }
}

void check_header_changes(const Place& place, const HeaderChanges& changes, TemplateUse use) {
  auto check_fields = [&](std::string_view key, const auto& fields) {
    for (const auto& [name, value] : fields) {
      std::string path = fmt::format("{}.{}", key, name);
      check_header_name(place, path, name);
      if (has_control_bytes(value) || base::trim(value) != value) {
        place.fault(path, "a header value has no control bytes and no white space at its ends (RFC 9110 5.5)");
      }
      check_template(place, path, value, use);
    }
  };
  check_fields("set", changes.set);
  check_fields("add", changes.add);
  for (std::size_t i = 0; i < changes.remove.size(); ++i) {
    check_header_name(place, fmt::format("remove[{}]", i), changes.remove[i]);
  }
}

}  // namespace

void check_route(const Place& place, const Route& route) {
  if (!route.name.empty()) check_name(place, "name", route.name);
  check_match(place.in("match", nullptr), route);
  int actions = int(!route.pool.empty()) + int(route.redirect.has_value()) + int(route.respond.has_value());
  if (actions != 1) {
    place.fault("", fmt::format("must have exactly one of pool, redirect and respond; it has {}",
                                actions == 0 ? "none" : "several"));
  }
  if (route.redirect) check_redirect(place.in("redirect", nullptr), *route.redirect, route.match);
  if (route.respond) check_response(place.in("respond", nullptr), *route.respond);
  if (route.rewrite != Rewrite() && route.pool.empty() && actions == 1) {
    place.fault("rewrite", "changes what a backend sees, but the route has no pool");
  }
  check_rewrite(place.in("rewrite", nullptr), route);
  check_header_changes(place.in("request_headers", nullptr), route.request_headers, TemplateUse::request_header);
  check_header_changes(place.in("response_headers", nullptr), route.response_headers, TemplateUse::response_header);
}

void check_listener(const Place& place, const Listener& listener) {
  check_name(place, "name", listener.name);
  if (!parse_listen_addresses(listener.address)) {
    place.fault("address",
                fmt::format("{} is no address to listen on; write ip:port such as 0.0.0.0:80, [::]:80 or *:80, a range "
                            "of ports such as *:5000-5010, or several of them; at most {} ports in all{}",
                            quoted(listener.address), kMaxListenSockets, address_hint(listener.address)));
  }
  if (listener.http2.max_stream_window < listener.http2.stream_window) {
    place.fault("http2.max_stream_window", "is smaller than stream_window, with which streams begin");
  }
  if (!listener.via.empty() && !is_token(listener.via)) {
    place.fault("via", fmt::format("must be a single word such as weir, not {}", quoted(listener.via)));
  }
  check_connections(place, listener);
  check_udp(place, listener);
  check_filters(place, listener);
  if (listener.tls) check_tls(place.in("tls", nullptr), *listener.tls, listener.protocol);
  if (listener.redirect_to_https != 0) {
    if (listener.protocol != ListenerProtocol::http) {
      place.fault("redirect_to_https", "is for listeners with the protocol http; clients of this one use TLS already");
    } else if (!listener.pool.empty() && listener.trusted_proxies.empty()) {
      place.fault("redirect_to_https",
                  "redirects what no route takes, but that goes to the pool; remove one of both, or name the "
                  "trusted_proxies whose clients use https already: only those go to the pool");
    }
  }
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    const Route& route = listener.routes[i];
    check_route(place.in(fmt::format("routes[{}]", i), &route.origin), route);
  }
}

}  // namespace weir::config
