// A position that all workers move, and that outlives a change of the set.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "balance/avoid.h"
#include "balance/strategy.h"

namespace weir::balance {

struct alignas(64) Cursor {
  std::atomic<std::uint64_t> next{0};
  std::uint64_t take() { return next.fetch_add(1, std::memory_order_relaxed); }
};

// The cursor of `previous` when that is a `Kind` too, else a new one. Shared, not copied: workers that still use the
// old strategy take their turns from the same sequence.
template <typename Kind>
std::shared_ptr<Cursor> cursor_after(const Strategy* previous) {
  const auto* same = dynamic_cast<const Kind*>(previous);
  return same != nullptr ? same->cursor() : std::make_shared<Cursor>();
}

// Takes turns until at(turn), an index below `size`, is not avoided: at most one turn more than the list is long.
template <typename At>
std::uint32_t take_turn(Cursor& cursor, const PickContext& context, std::uint32_t size, At at) {
  std::uint32_t index = at(cursor.take());
  for (std::size_t more = context.avoid.size(); is_avoided(context, index); --more) {
    if (more == 0) return next_allowed(context, index, size);
    index = at(cursor.take());
  }
  return index;
}

}  // namespace weir::balance
