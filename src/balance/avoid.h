// Keeping away from the backends that an exchange has already tried.
#pragma once

#include <algorithm>
#include <cstdint>

#include "balance/strategy.h"

namespace weir::balance {

inline bool is_avoided(const PickContext& context, std::uint32_t index) {
  return std::ranges::find(context.avoid, index) != context.avoid.end();
}

// `start` or the next index after it, cyclically, that is not avoided; `start` when all are. Looks at no more than one
// index above the length of the list.
inline std::uint32_t next_allowed(const PickContext& context, std::uint32_t start, std::uint32_t size) {
  std::uint32_t index = start;
  for (std::uint32_t steps = 0; steps < size && steps <= context.avoid.size(); ++steps) {
    if (!is_avoided(context, index)) return index;
    index = index + 1 == size ? 0 : index + 1;
  }
  return start;
}

// draw(attempt) gives an index below `size`. Draws until one is not avoided, a few times more than the list is long,
// then takes the next one that is allowed.
template <typename Draw>
std::uint32_t draw_allowed(const PickContext& context, std::uint32_t size, Draw draw) {
  std::uint32_t index = draw(std::uint64_t{0});
  for (std::uint64_t attempt = 1; is_avoided(context, index); ++attempt) {
    if (attempt > context.avoid.size() + 3) return next_allowed(context, index, size);
    index = draw(attempt);
  }
  return index;
}

}  // namespace weir::balance
