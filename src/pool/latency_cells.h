// Times to the first byte as counts of a log-linear histogram: small, quick to add to, good to about 10 %.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"

namespace weir::pool {

// The cells: one below 32.8 us (2^15 ns), four for each doubling from there to 8.6 s (2^33 ns), one above.
struct LatencyScale {
  static constexpr int kFirstBit = 15, kLastBit = 33, kSubBits = 2;
  static constexpr std::size_t kCells = ((kLastBit - kFirstBit) << kSubBits) + 2;

  static constexpr std::size_t cell(std::uint64_t nanoseconds) {
    int octave = std::bit_width(nanoseconds) - 1 - kFirstBit;
    if (octave < 0) return 0;
    if (octave >= kLastBit - kFirstBit) return kCells - 1;
    auto within = static_cast<std::size_t>(nanoseconds >> (octave + kFirstBit - kSubBits)) & ((1u << kSubBits) - 1);
    return (static_cast<std::size_t>(octave) << kSubBits) + within + 1;
  }
  // The smallest time of the cell in nanoseconds.
  static constexpr std::uint64_t floor(std::size_t cell) {
    if (cell == 0) return 0;
    std::size_t octave = (cell - 1) >> kSubBits, within = (cell - 1) & ((1u << kSubBits) - 1);
    return ((std::uint64_t{1} << kSubBits) + within) << (octave + static_cast<std::size_t>(kFirstBit - kSubBits));
  }
};

// Counts of a window, or sums since the start that wrap; the difference of two such sums is a window's.
using LatencyCounts = std::array<std::uint32_t, LatencyScale::kCells>;

// The time below which `share` (0..1) of the counts lie, between the bounds of its cell in proportion. Nothing without
// counts. What is above the scale counts as its end.
std::optional<base::Nanoseconds> latency_quantile(std::span<const std::uint32_t, LatencyScale::kCells> counts,
                                                  double share);

// Counts since the start that only one thread adds to, and any reads: a load and a store, no lock prefix.
class LatencyCells {
 public:
  void add(base::Nanoseconds latency) {
    std::atomic<std::uint32_t>& cell = cells_[LatencyScale::cell(static_cast<std::uint64_t>(latency.count()))];
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void add_to(LatencyCounts& sums) const {
    for (std::size_t i = 0; i < cells_.size(); ++i) sums[i] += cells_[i].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint32_t>, LatencyScale::kCells> cells_{};
};

}  // namespace weir::pool
