// Drawing by weight in constant time.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace weir::balance {

// Vose's alias method (1991): one random number, one look-up. Exact to 2^-32 of a slot.
class AliasTable {
 public:
  explicit AliasTable(const std::vector<std::uint32_t>& weights);
  // An index with probability proportional to its weight. The table must not be empty.
  std::uint32_t draw(base::Random& random) const {
    unsigned __int128 product = static_cast<unsigned __int128>(random.next()) * slots_.size();
    auto slot = static_cast<std::uint32_t>(product >> 64);
    auto coin = static_cast<std::uint32_t>(static_cast<std::uint64_t>(product) >> 32);
    return coin < slots_[slot].threshold ? slot : slots_[slot].other;
  }

 private:
  // The slot is its own index below `threshold` / 2^32, else `other`.
  struct Slot {
    std::uint32_t threshold;
    std::uint32_t other;
  };
  std::vector<Slot> slots_;
};

}  // namespace weir::balance
