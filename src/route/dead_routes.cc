#include "route/dead_routes.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <unordered_map>

#include "route/compiled_route.h"
#include "route/path_rules.h"

namespace weir::route {
namespace {

// Whether every request that fits `inner` fits `outer`.
bool covers(const config::NamedMatch& outer, const config::NamedMatch& inner) {
  if (outer.name != inner.name) return false;
  if (outer == inner) return true;
  return outer.kind == config::MatchKind::present && inner.kind != config::MatchKind::absent;
}

template <typename T, typename Covers>
bool all_covered(const std::vector<T>& outer, const std::vector<T>& inner, Covers&& covers_one) {
  return std::ranges::all_of(outer, [&](const T& condition) {
    return std::ranges::any_of(inner, [&](const T& other) { return covers_one(condition, other); });
  });
}

// Whether the predicates besides host and path of `outer` hold wherever those of `inner` do.
bool predicates_cover(const config::Match& outer, const config::Match& inner) {
  auto same = [](const std::string& a, const std::string& b) { return a == b; };
  auto within = [](const base::Cidr& a, const base::Cidr& b) {
    return b.contains(a.network) && b.prefix_bits <= a.prefix_bits;
  };
  const bool methods = outer.method.empty() || (!inner.method.empty() && all_covered(inner.method, outer.method, same));
  const bool clients =
      outer.client.empty() || (!inner.client.empty() && all_covered(inner.client, outer.client, within));
  auto named = [](const config::NamedMatch& a, const config::NamedMatch& b) { return covers(a, b); };
  return methods && clients && all_covered(outer.header, inner.header, named) &&
         all_covered(outer.query, inner.query, named);
}

// Whether the path of `route` is any path there is, but for the "*" of OPTIONS.
bool takes_every_path(const CompiledRoute& route) {
  if (route.path_kind == PathKind::any) return true;
  if (route.path_kind == PathKind::prefix) return route.prefix->empty();
  return route.path_kind == PathKind::regex && (route.regex->pattern() == ".*" || route.regex->pattern() == "/.*");
}

class Listener {
 public:
  explicit Listener(const config::Listener& listener) : listener_(listener), rules_(path_rules(listener.paths)) {
    for (const config::Route& route : listener.routes) compiled_.emplace_back(route, rules_);
    for (std::uint32_t i = 0; i < compiled_.size(); ++i) {
      for (const HostPattern& host : compiled_[i].hosts) {
        alike_[key(host, compiled_[i])].push_back(i);
        if (takes_every_path(compiled_[i])) broad_[host.to_string()].push_back(i);
      }
    }
  }

  // Why the route takes nothing; empty when it may take something.
  std::string why_dead(std::uint32_t index) const {
    const config::Match& match = listener_.routes[index].match;
    for (const auto& path : {match.path, match.path_prefix}) {
      if (!path) continue;
      base::Arena arena;
      const http::PathForm form = http::canonical_path(*path, rules_, arena);
      if (form.fault != nullptr)
        return fmt::format("the listener refuses all requests that it matches: {}", form.fault);
    }
    // Each of its hosts may be taken by another route.
    std::optional<std::uint32_t> by;
    for (const HostPattern& host : compiled_[index].hosts) {
      by = taker(host, index);
      if (!by) return {};
    }
    return fmt::format("route '{}' takes all that it matches", compiled_[*by].name);
  }

 private:
  static std::string key(const HostPattern& host, const CompiledRoute& route) {
    std::string_view text;
    if (route.exact) text = *route.exact;
    if (route.prefix) text = *route.prefix;
    if (route.regex) text = route.regex->pattern();
    return fmt::format("{} {} {}", host.to_string(), static_cast<int>(route.path_kind), text);
  }

  std::optional<std::uint32_t> taker(const HostPattern& host, std::uint32_t index) const {
    for (std::uint32_t other : alike_.at(key(host, compiled_[index]))) {
      const std::uint32_t count = compiled_[index].predicates.count(), theirs = compiled_[other].predicates.count();
      const bool is_before = theirs > count || (theirs == count && other < index);
      if (is_before && covers_rest(other, index)) return other;
    }
    auto broad = broad_.find(host.to_string());
    if (broad == broad_.end()) return std::nullopt;
    for (std::uint32_t other : broad->second) {
      // A prefix of every path goes before no path only, an expression before both.
      const PathKind kind = compiled_[other].path_kind;
      if (kind < compiled_[index].path_kind && covers_rest(other, index)) return other;
    }
    return std::nullopt;
  }

  bool covers_rest(std::uint32_t outer, std::uint32_t inner) const {
    return outer != inner && predicates_cover(listener_.routes[outer].match, listener_.routes[inner].match);
  }

  const config::Listener& listener_;
  http::PathRules rules_;
  std::vector<CompiledRoute> compiled_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> alike_;  // by host and path
  std::unordered_map<std::string, std::vector<std::uint32_t>> broad_;  // that take every path of a host
};

}  // namespace

config::Faults dead_routes(const config::Config& config) {
  config::Faults found;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const config::Listener& each = config.listeners[i];
    if (each.protocol != config::ListenerProtocol::http && each.protocol != config::ListenerProtocol::https) continue;
    const Listener listener(each);
    for (std::uint32_t r = 0; r < each.routes.size(); ++r) {
      std::string why = listener.why_dead(r);
      if (why.empty()) continue;
      found.push_back({each.routes[r].origin, fmt::format("listeners[{}].routes[{}]", i, r),
                       fmt::format("route '{}' takes no request: {}", each.routes[r].name, why)});
    }
  }
  return found;
}

}  // namespace weir::route
