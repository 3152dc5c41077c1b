// How many backends of a pool may be out at once by passive checks.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "pool/ejection_reason.h"

namespace weir::pool {

// Of `size` backends: `share` of them, rounded down; one at least where there are two.
constexpr std::uint32_t may_be_ejected(std::uint32_t size, double share) {
  if (size < 2) return 0;
  return std::max(1u, static_cast<std::uint32_t>(static_cast<double>(size) * share));
}

// Counts those of a pool that are out. A place is taken before a backend is ejected, so that workers which eject at the
// same moment never go over the limit together; the control thread gives places back when it has seen a backend in
// again. Any thread.
class EjectionQuota {
 public:
  // False: the limit is reached, which is counted as a prevented ejection.
  bool take(EjectionReason why) {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken >= limit_.load(std::memory_order_relaxed)) {
        prevented_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
        return false;
      }
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
    return true;
  }
  // For one that is out whatever the limit says: ejected by another pool, or by an operator.
  void take_anyway() { taken_.fetch_add(1, std::memory_order_relaxed); }
  void give_back() { taken_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

  void set_limit(std::uint32_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }

  std::uint64_t prevented(EjectionReason why) const {
    return prevented_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<std::uint32_t> limit_{0};
  std::array<std::atomic<std::uint64_t>, kEjectionReasons.size()> prevented_{};
};

}  // namespace weir::pool
