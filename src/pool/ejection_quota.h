// How many backends of a pool may be out at once by passive checks.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "pool/ejection_reason.h"

namespace weir::pool {

// Of `size` backends: `share` of them, rounded down; one at least where there are two and `share` is above 0.
constexpr std::uint32_t may_be_ejected(std::uint32_t size, double share) {
  if (size < 2 || share <= 0) return 0;
  return std::max(1u, static_cast<std::uint32_t>(static_cast<double>(size) * share));
}

// Counts those of a pool that are out. A place is taken before a backend is ejected, so that workers which eject at the
// same moment never go over the limit together; the control thread gives places back when it has seen a backend in
// again. Any thread.
class EjectionQuota {
 public:
  // False: the limit is reached, which is counted as a prevented ejection where `counts`, and the pool ejects at all.
  bool take(EjectionReason why, bool counts = true) {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken >= limit_.load(std::memory_order_relaxed)) {
        if (counts) count_prevented(why);
        return false;
      }
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
    return true;
  }
  // For one that is out whatever the limit says: ejected by another pool, or by an operator.
  void take_anyway() { taken_.fetch_add(1, std::memory_order_relaxed); }
  void give_back() { taken_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

  // An ejection that is not made for another cause than a failed take().
  void count_prevented(EjectionReason why) {
    if (!ejects_.load(std::memory_order_relaxed)) return;
    prevented_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  }

  // `ejects`: false where no ejection is ever wanted, of a pool with one backend or by its configuration; nothing is
  // prevented there.
  void set_limit(std::uint32_t limit, bool ejects = true) {
    ejects_.store(ejects, std::memory_order_relaxed);
    limit_.store(limit, std::memory_order_relaxed);
  }
  std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }

  std::uint64_t prevented(EjectionReason why) const {
    return prevented_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<std::uint32_t> limit_{0};
  std::atomic<bool> ejects_{true};
  std::array<std::atomic<std::uint64_t>, kEjectionReasons.size()> prevented_{};
};

}  // namespace weir::pool
