// Table::explain: the same question as find(), answered in words by looking at every route.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tuple>

#include "route/table.h"
#include "route/table_state.h"

namespace weir::route {
namespace {

// How a route compares with others for one request. Less is preferred; see Table.
struct Rank {
  bool host_matches = false;
  HostPattern host;  // the most specific that matches; when none does, the most specific
  PathKind kind = PathKind::any;
  std::size_t prefix_bytes = 0;
  std::uint32_t predicates = 0;
  std::uint32_t route = 0;

  friend bool operator<(const Rank& a, const Rank& b) {
    if (auto order = a.host <=> b.host; order != 0) return order < 0;
    return std::tuple(a.kind, b.prefix_bytes, b.predicates, a.route) <
           std::tuple(b.kind, a.prefix_bytes, a.predicates, b.route);
  }
};

Rank rank(const CompiledRoute& route, std::uint32_t index, std::string_view host) {
  Rank rank{.host = {}, .kind = route.path_kind, .predicates = route.predicates.count(), .route = index};
  if (route.path_kind == PathKind::prefix) rank.prefix_bytes = route.prefix->size() + 1;
  bool first = true;
  for (const HostPattern& pattern : route.hosts) {
    const bool matches = pattern.matches(host);
    const bool better = matches == rank.host_matches ? first || pattern < rank.host : matches;
    if (better) rank.host = pattern;
    rank.host_matches = rank.host_matches || matches;
    first = false;
  }
  return rank;
}

bool explain_host(const CompiledRoute& route, const Rank& rank, std::string_view host, std::vector<std::string>& why) {
  if (rank.host_matches) {
    why.push_back(rank.host.kind == HostPattern::Kind::any ? "any host"
                                                           : fmt::format("host {} is {}", host, rank.host.to_string()));
    return true;
  }
  std::vector<std::string> patterns;
  patterns.reserve(route.hosts.size());
  for (const HostPattern& pattern : route.hosts) patterns.push_back(pattern.to_string());
  why.push_back(fmt::format("host {} is not {}", host.empty() ? "(none)" : host, fmt::join(patterns, " or ")));
  return false;
}

bool explain_path(const CompiledRoute& route, std::string_view path, std::vector<std::string>& why) {
  auto note = [&](bool holds, std::string_view yes, std::string_view no, std::string_view text) {
    why.push_back(fmt::format("path {} {} {}", path, holds ? yes : no, text));
    return holds;
  };
  if (route.path_kind == PathKind::any) why.push_back("any path");
  if (route.exact && !note(path == *route.exact, "is", "is not", *route.exact)) return false;
  if (route.regex) {
    if (!route.regex->error().empty()) {
      why.push_back(fmt::format("path_regex does not compile: {}", route.regex->error()));
      return false;
    }
    if (!note(route.regex->matches(path), "matches", "does not match", route.regex->pattern())) return false;
  }
  const std::string prefix = route.prefix && route.prefix->empty() ? "/" : route.prefix.value_or("");
  return !route.prefix || note(is_under(path, *route.prefix), "is under", "is not under", prefix);
}

}  // namespace

std::vector<Table::Reason> Table::explain(const http::RequestHead& request, const base::IpAddress& client) const {
  HostBuffer buffer;
  const std::string_view host = routing_host(request.authority, buffer);
  const std::string_view path = request.routed_path;

  std::vector<Rank> ranks;
  ranks.reserve(state_->routes.size());
  for (std::uint32_t i = 0; i < state_->routes.size(); ++i) ranks.push_back(rank(state_->routes[i], i, host));
  std::ranges::sort(ranks, std::less<>());

  std::vector<Reason> reasons;
  const CompiledRoute* taken = nullptr;
  for (const Rank& candidate : ranks) {
    const CompiledRoute& route = state_->routes[candidate.route];
    std::vector<std::string> why;
    const bool matched = explain_host(route, candidate, host, why) && explain_path(route, path, why) &&
                         route.predicates.explain(request, client, why);
    if (matched) {
      why.push_back(taken == nullptr ? "taken" : fmt::format("but route {} comes before it", taken->name));
      if (taken == nullptr) taken = &route;
    }
    reasons.push_back({candidate.route, matched, fmt::format("{}", fmt::join(why, "; "))});
  }
  return reasons;
}

}  // namespace weir::route
