#include "balance/alias_table.h"

#include "balance/weights.h"

namespace weir::balance {

AliasTable::AliasTable(const std::vector<std::uint32_t>& weights) : slots_(weights.size()) {
  auto size = static_cast<std::uint32_t>(weights.size());
  std::uint64_t sum = sum_of(weights);
  // Each slot holds `sum` of the weights times `size`: what a light backend leaves free a heavy one fills.
  std::vector<std::uint64_t> rest(size);
  std::vector<std::uint32_t> light;
  std::vector<std::uint32_t> heavy;
  for (std::uint32_t i = 0; i < size; ++i) {
    rest[i] = std::uint64_t{weights[i]} * size;
    slots_[i] = {.threshold = UINT32_MAX, .other = i};
    (rest[i] < sum ? light : heavy).push_back(i);
  }
  while (!light.empty() && !heavy.empty()) {
    std::uint32_t small = light.back();
    std::uint32_t large = heavy.back();
    light.pop_back();
    auto threshold = (static_cast<unsigned __int128>(rest[small]) << 32) / sum;
    slots_[small] = {.threshold = static_cast<std::uint32_t>(threshold), .other = large};
    rest[large] -= sum - rest[small];
    if (rest[large] < sum) {
      heavy.pop_back();
      light.push_back(large);
    }
  }
}

}  // namespace weir::balance
