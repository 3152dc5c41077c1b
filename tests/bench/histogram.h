// Latencies by size, with an error below 1 %: 128 buckets for each power of two.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace weir::bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[index(nanoseconds)];
    ++total_;
    sum_ += nanoseconds;
    max_ = std::max(max_, nanoseconds);
  }

  std::uint64_t total() const { return total_; }
  double max_us() const { return static_cast<double>(max_) / 1e3; }
  double mean_us() const { return total_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(total_) / 1e3; }

  // The latency that `share` (0..1) of all were at or below, in microseconds; 0 when there are none.
  double quantile_us(double share) const {
    if (total_ == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total_ - 1)) + 1;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= rank) return std::min(static_cast<double>(upper_bound(i)) / 1e3, max_us());
    }
    return max_us();
  }

 private:
  static constexpr unsigned kBits = 7;
  static constexpr std::uint64_t kPerPower = 1U << kBits;

  static std::size_t index(std::uint64_t value) {
    if (value < kPerPower) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return (shift + 1) * kPerPower + ((value >> shift) - kPerPower);
  }
  static std::uint64_t upper_bound(std::size_t index) {
    if (index < kPerPower) return index;
    const unsigned shift = static_cast<unsigned>(index / kPerPower) - 1;
    return ((kPerPower + index % kPerPower + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kPerPower> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace weir::bench
