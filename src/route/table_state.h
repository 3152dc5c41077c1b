// How a Table finds: hosts in one index, the paths of every host in another.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/ip.h"
#include "http/message.h"
#include "route/compiled_route.h"
#include "route/table.h"
#include "route/text_index.h"

namespace weir::route {

struct Table::State {
  // The facts about a request that routes compare.
  struct Wanted {
    const http::RequestHead& request;
    std::string_view path;  // its routed_path
    const base::IpAddress& client;
    base::Arena& arena;
  };

  std::vector<CompiledRoute> routes;

  // Builds the indices from `routes`.
  void index();
  std::uint32_t find(const Wanted& wanted) const;
  const CompiledRoute& at(std::uint32_t route) const;

 private:
  // Routes that host and path cannot tell apart, in order of preference.
  struct Span {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  struct Candidate {
    std::uint32_t route;
    bool asks_more;  // false: taken at once, without a look at the route
  };
  // The routes of one host pattern.
  struct HostSet {
    Span regex;
    Span any;
    Span prefix_lengths;  // in prefix_lengths_, longest first
    bool has_exact = false;
  };
  struct Placed;

  std::uint32_t set_of(const HostPattern& pattern);
  void add_bucket(const Placed& first, Span span);
  std::uint32_t find_in_set(std::uint32_t set, const Wanted& wanted) const;
  std::uint32_t find_under_suffix(std::string_view host, const Wanted& wanted) const;
  std::uint32_t first_of(Span span, const Wanted& wanted) const;

  static constexpr std::uint32_t kAnyHost = 0;  // the set of routes without host; always there
  std::vector<HostSet> sets_;
  TextIndex hosts_;  // scope: the kind of pattern; value: in sets_
  bool has_exact_host_ = false;
  std::bitset<kMaxHostBytes + 1> suffix_lengths_;
  TextIndex paths_;  // scope: path_scope(); value: in buckets_
  std::vector<Span> buckets_;
  std::vector<std::uint32_t> prefix_lengths_;
  std::vector<Candidate> candidates_;
};

}  // namespace weir::route
