#include "route/compiled_route.h"

#include <algorithm>

#include "base/log.h"
#include "route/path_rules.h"

namespace weir::route {
namespace {

std::vector<HostPattern> host_patterns(const std::vector<std::string>& texts) {
  std::vector<HostPattern> patterns;
  for (const std::string& text : texts) {
    HostPattern pattern = HostPattern::parse(text);
    const bool known = std::ranges::any_of(patterns, [&pattern](const HostPattern& other) {
      return other.kind == pattern.kind && other.text == pattern.text;
    });
    if (!known) patterns.push_back(std::move(pattern));
  }
  if (patterns.empty()) patterns.emplace_back();
  return patterns;
}

}  // namespace

CompiledRoute::CompiledRoute(const config::Route& route, const http::PathRules& paths)
    : name(route.name),
      hosts(host_patterns(route.match.host)),
      predicates(route.match),
      rewrite(route, paths),
      request_headers(route.request_headers, config::TemplateUse::request_header),
      response_headers(route.response_headers, config::TemplateUse::response_header) {
  const config::Match& match = route.match;
  if (match.path_prefix) {
    prefix = routed_prefix(*match.path_prefix, paths);
    path_kind = PathKind::prefix;
  }
  if (match.path_regex) {
    regex.emplace(*match.path_regex);
    path_kind = PathKind::regex;
    if (!regex->error().empty()) base::log_error("route {} takes nothing: path_regex: {}", name, regex->error());
  }
  if (match.path) {
    exact = routed_text(*match.path, paths);
    path_kind = PathKind::exact;
  }
  if (route.redirect) location.emplace(route.redirect->to);
}

bool CompiledRoute::path_fits(std::string_view path) const {
  return (!exact || path == *exact) && (!prefix || is_under(path, *prefix)) && (!regex || regex->matches(path));
}

bool CompiledRoute::asks_more() const {
  const int kinds = (exact ? 1 : 0) + (prefix ? 1 : 0);
  return predicates.count() > 0 || regex.has_value() || kinds > 1;
}

}  // namespace weir::route
