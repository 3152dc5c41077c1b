// Slow start: a backend that has just become healthy gets its share of the work step by step.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace weir::pool {

inline constexpr std::uint32_t kSlowStartFloorPercent = 10;

// How much of its weight a backend counts with, in percent, `healthy_for` after it became healthy: 10 at first, then
// linearly up to 100 when `slow_start` has passed. 100 at once when `slow_start` is zero or negative. Goes into
// BackendEntry::slow_start_percent. A backend that was healthy from its first probe on after Weir's own start should
// be given a long `healthy_for`: with every backend ramping there is nothing to spare.
constexpr std::uint32_t slow_start_percent(base::Nanoseconds healthy_for, base::Nanoseconds slow_start) {
  if (slow_start <= base::Nanoseconds::zero() || healthy_for >= slow_start) return 100;
  if (healthy_for <= base::Nanoseconds::zero()) return kSlowStartFloorPercent;
  double share = static_cast<double>(healthy_for.count()) / static_cast<double>(slow_start.count());
  return kSlowStartFloorPercent + static_cast<std::uint32_t>(share * (100 - kSlowStartFloorPercent));
}

// How long until the set is worth building again while a backend ramps: steps of 5 percent, but at least 100 ms.
constexpr base::Nanoseconds slow_start_step(base::Nanoseconds slow_start) {
  return std::max<base::Nanoseconds>(slow_start / 18, std::chrono::milliseconds(100));
}

}  // namespace weir::pool
