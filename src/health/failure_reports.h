// Connection failures of live traffic, on their way from the workers to the health thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "pool/last_error.h"

namespace weir::health {

// Failures of one backend that the health thread has not taken yet.
class FailureReport {
 public:
  // Any thread. True when the health thread must be told, which it is at most once until it calls close().
  bool add(const base::Error& error) {
    last_.note(error, 0);
    count_.fetch_add(1);
    return !followed_.load() && !followed_.exchange(true);
  }
  // Health thread: the failures since the last call.
  std::uint32_t take() { return count_.exchange(0); }
  // Why the newest one failed.
  base::Error error() const { return last_.get().value_or(pool::LastError::Seen{}).error; }
  // Health thread: it no longer looks by itself. False when a failure came meanwhile and it must go on.
  bool close() {
    followed_.store(false);
    return count_.load() == 0 || followed_.exchange(true);
  }

 private:
  std::atomic<std::uint32_t> count_{0};
  std::atomic<bool> followed_{false};
  pool::LastError last_;
};

// One FailureReport per backend slot. Grows in blocks that never move, so workers need no lock.
class FailureReports {
 public:
  static constexpr std::uint32_t kBlock = 1024;
  static constexpr std::uint32_t kSlots = 1024 * kBlock;

  FailureReports() = default;
  FailureReports(const FailureReports&) = delete;
  FailureReports& operator=(const FailureReports&) = delete;
  ~FailureReports() {
    for (std::atomic<FailureReport*>& block : blocks_) delete[] block.load(std::memory_order_relaxed);
  }

  // One thread only. Slots from kSlots on get none: their live failures are not counted.
  void make(std::uint32_t slot) {
    if (slot >= kSlots) return;
    std::atomic<FailureReport*>& block = blocks_[slot / kBlock];
    if (block.load(std::memory_order_relaxed) == nullptr) {
      block.store(std::make_unique<FailureReport[]>(kBlock).release(), std::memory_order_release);
    }
  }
  // Any thread. Null for a slot that was never made.
  FailureReport* find(std::uint32_t slot) {
    if (slot >= kSlots) return nullptr;
    FailureReport* block = blocks_[slot / kBlock].load(std::memory_order_acquire);
    return block == nullptr ? nullptr : &block[slot % kBlock];
  }

 private:
  std::array<std::atomic<FailureReport*>, kSlots / kBlock> blocks_{};
};

}  // namespace weir::health
