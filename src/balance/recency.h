// The backend that was picked longest ago, to break ties.
#pragma once

#include <algorithm>
#include <cstdint>

#include "balance/cursor.h"
#include "pool/backend.h"

namespace weir::balance {

// Backend::last_picked holds the low 32 bits of the number of the pick, so it is compared as serial numbers are
// (RFC 1982): right as long as two picks lie less than 2^31 apart.
inline bool picked_before(const pool::Backend& a, const pool::Backend& b) {
  return static_cast<std::int32_t>(a.last_picked.load() - b.last_picked.load()) < 0;
}

// For a strategy that is being made: lets `cursor` go on above every number in the set, and gives the latest number to
// the backends that have none or one too old to be compared.
inline void join_recency(Cursor& cursor, const pool::BackendSet& backends) {
  if (cursor.next.load() == 0) {
    std::uint64_t latest = 0;
    for (const pool::BackendEntry& entry : backends) {
      latest = std::max<std::uint64_t>(latest, entry.backend->last_picked.load());
    }
    cursor.next.store(latest + 1);
  }
  auto latest = static_cast<std::uint32_t>(cursor.next.load() - 1);
  for (const pool::BackendEntry& entry : backends) {
    std::uint32_t number = entry.backend->last_picked.load();
    if (number == 0 || latest - number > 1u << 30) {
      entry.backend->last_picked.compare_exchange_strong(number, latest);
    }
  }
}

}  // namespace weir::balance
