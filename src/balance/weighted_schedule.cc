#include "balance/weighted_schedule.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weir::balance {
namespace {

// The backends of one weight, of which `next` is due before the others: it was taken least often, and comes first.
struct Peers {
  std::int64_t credit;  // of the one that is due
  std::int64_t weight;
  std::uint32_t due;    // its index in the set, to break ties
  std::uint32_t first;  // of these backends in the list by weight
  std::uint32_t count;
  std::uint32_t next;  // which of them is due, below count
};

std::vector<Peers> group(std::span<const std::uint32_t> by_weight, std::span<const std::uint32_t> weights) {
  std::vector<Peers> groups;
  for (std::uint32_t i = 0; i < by_weight.size(); ++i) {
    std::int64_t weight = weights[by_weight[i]];
    if (groups.empty() || groups.back().weight != weight) {
      groups.push_back({.credit = 0, .weight = weight, .due = by_weight[i], .first = i, .count = 0, .next = 0});
    }
    ++groups.back().count;
  }
  return groups;
}

}  // namespace

std::vector<std::uint32_t> smooth_schedule(std::span<const std::uint32_t> weights) {
  std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  std::vector<std::uint32_t> by_weight(weights.size());
  std::iota(by_weight.begin(), by_weight.end(), 0);
  std::ranges::sort(by_weight, {}, [&](std::uint32_t i) { return std::pair(weights[i], i); });
  std::vector<Peers> groups = group(by_weight, weights);

  std::vector<std::uint32_t> schedule(static_cast<std::size_t>(sum));
  for (std::uint32_t& taken : schedule) {
    Peers* best = nullptr;
    for (Peers& peers : groups) {
      peers.credit += peers.weight;
      if (best == nullptr || peers.credit > best->credit || (peers.credit == best->credit && peers.due < best->due)) {
        best = &peers;
      }
    }
    taken = best->due;
    // Only when the last of them has paid is one due again that has paid once more.
    if (++best->next == best->count) {
      best->next = 0;
      best->credit -= sum;
    }
    best->due = by_weight[best->first + best->next];
  }
  return schedule;
}

}  // namespace weir::balance
