#include "route/table_state.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"

namespace weir::route {
namespace {

std::uint32_t scope_of(HostPattern::Kind kind) { return static_cast<std::uint32_t>(kind); }
std::uint32_t path_scope(std::uint32_t set, PathKind kind) { return 2 * set + (kind == PathKind::exact ? 0 : 1); }

}  // namespace

// A route in one host set.
struct Table::State::Placed {
  std::uint32_t set;
  PathKind kind;
  std::string_view text;  // of an exact path or a prefix
  std::uint32_t predicates;
  std::uint32_t route;

  auto bucket() const { return std::tuple(set, kind, text); }
};

const CompiledRoute& Table::State::at(std::uint32_t route) const {
  WEIR_ASSERT(route < routes.size());
  return routes[route];
}

std::uint32_t Table::State::set_of(const HostPattern& pattern) {
  if (pattern.kind == HostPattern::Kind::any) return kAnyHost;
  if (pattern.kind == HostPattern::Kind::exact) has_exact_host_ = true;
  if (pattern.kind == HostPattern::Kind::suffix) suffix_lengths_.set(pattern.text.size());
  const auto next = static_cast<std::uint32_t>(sets_.size());
  const std::uint32_t set = hosts_.insert(scope_of(pattern.kind), pattern.text, next);
  if (set == next) sets_.emplace_back();
  return set;
}

void Table::State::index() {
  sets_.assign(1, HostSet{});
  std::vector<Placed> placed;
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const CompiledRoute& route = routes[i];
    std::string_view text;
    if (route.path_kind == PathKind::exact) text = *route.exact;
    if (route.path_kind == PathKind::prefix) text = *route.prefix;
    for (const HostPattern& host : route.hosts) {
      placed.push_back({set_of(host), route.path_kind, text, route.predicates.count(), i});
    }
  }
  std::ranges::sort(placed, [](const Placed& a, const Placed& b) {
    if (a.bucket() != b.bucket()) return a.bucket() < b.bucket();
    return a.predicates != b.predicates ? a.predicates > b.predicates : a.route < b.route;
  });
  for (std::size_t first = 0, end = 0; first < placed.size(); first = end) {
    while (end < placed.size() && placed[end].bucket() == placed[first].bucket()) ++end;
    const Span span{static_cast<std::uint32_t>(candidates_.size()), static_cast<std::uint32_t>(end - first)};
    for (std::size_t i = first; i < end; ++i) {
      candidates_.push_back({placed[i].route, routes[placed[i].route].asks_more()});
    }
    add_bucket(placed[first], span);
  }
  for (const HostSet& set : sets_) {
    const auto lengths = prefix_lengths_.begin() + set.prefix_lengths.first;
    std::sort(lengths, lengths + set.prefix_lengths.count, std::greater<>());
  }
}

void Table::State::add_bucket(const Placed& first, Span span) {
  HostSet& set = sets_[first.set];
  if (first.kind == PathKind::regex) set.regex = span;
  if (first.kind == PathKind::any) set.any = span;
  if (first.kind != PathKind::exact && first.kind != PathKind::prefix) return;

  paths_.insert(path_scope(first.set, first.kind), first.text, static_cast<std::uint32_t>(buckets_.size()));
  buckets_.push_back(span);
  if (first.kind == PathKind::exact) {
    set.has_exact = true;
    return;
  }
  // The buckets of a set come one after the other, and so do its lengths.
  Span& lengths = set.prefix_lengths;
  if (lengths.count == 0) lengths.first = static_cast<std::uint32_t>(prefix_lengths_.size());
  const auto length = static_cast<std::uint32_t>(first.text.size());
  if (std::find(prefix_lengths_.begin() + lengths.first, prefix_lengths_.end(), length) == prefix_lengths_.end()) {
    prefix_lengths_.push_back(length);
    ++lengths.count;
  }
}

std::uint32_t Table::State::find(const Wanted& wanted) const {
  if (has_exact_host_ || suffix_lengths_.any()) {
    HostBuffer buffer;
    const std::string_view host = routing_host(wanted.request.authority, buffer);
    if (has_exact_host_) {
      const std::uint32_t set = hosts_.find(scope_of(HostPattern::Kind::exact), host);
      if (set != TextIndex::kNone) {
        if (std::uint32_t route = find_in_set(set, wanted); route != kNoRoute) return route;
      }
    }
    if (suffix_lengths_.any()) {
      if (std::uint32_t route = find_under_suffix(host, wanted); route != kNoRoute) return route;
    }
  }
  return find_in_set(kAnyHost, wanted);
}

// Longest suffix first: the labels of the host from the left. Only suffixes of a length that is there are looked up.
std::uint32_t Table::State::find_under_suffix(std::string_view host, const Wanted& wanted) const {
  for (auto dot = host.find('.', 1); dot < host.size(); dot = host.find('.', dot + 1)) {
    const std::string_view suffix = host.substr(dot + 1);
    if (!suffix_lengths_.test(suffix.size())) continue;
    const std::uint32_t set = hosts_.find(scope_of(HostPattern::Kind::suffix), suffix);
    if (set == TextIndex::kNone) continue;
    if (std::uint32_t route = find_in_set(set, wanted); route != kNoRoute) return route;
  }
  return kNoRoute;
}

std::uint32_t Table::State::find_in_set(std::uint32_t set_index, const Wanted& wanted) const {
  const HostSet& set = sets_[set_index];
  const std::string_view path = wanted.path;
  auto in_bucket = [&](PathKind kind, std::string_view text) {
    const std::uint32_t bucket = paths_.find(path_scope(set_index, kind), text);
    return bucket == TextIndex::kNone ? kNoRoute : first_of(buckets_[bucket], wanted);
  };
  if (set.has_exact) {
    if (std::uint32_t route = in_bucket(PathKind::exact, path); route != kNoRoute) return route;
  }
  if (std::uint32_t route = first_of(set.regex, wanted); route != kNoRoute) return route;
  if (path.starts_with('/')) {
    for (std::uint32_t i = 0; i < set.prefix_lengths.count; ++i) {
      const std::size_t length = prefix_lengths_[set.prefix_lengths.first + i];
      if (path.size() < length || (path.size() > length && path[length] != '/')) continue;
      if (std::uint32_t route = in_bucket(PathKind::prefix, path.substr(0, length)); route != kNoRoute) return route;
    }
  }
  return first_of(set.any, wanted);
}

std::uint32_t Table::State::first_of(Span span, const Wanted& wanted) const {
  for (std::uint32_t i = span.first; i < span.first + span.count; ++i) {
    const Candidate& candidate = candidates_[i];
    if (!candidate.asks_more) return candidate.route;
    const CompiledRoute& route = routes[candidate.route];
    if (route.predicates.hold(wanted.request, wanted.client, wanted.arena) && route.path_fits(wanted.path)) {
      return candidate.route;
    }
  }
  return kNoRoute;
}

}  // namespace weir::route
