// The latency estimate of a backend: a moving average that rises at once and falls slowly ("peak EWMA", as in Finagle
// and linkerd), packed into one word so that workers can change it without a lock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "base/clock.h"

namespace weir::balance {

// The time in which an estimate without new observations falls to 1/e, and in which the average forgets.
inline constexpr std::chrono::seconds kLatencyDecay{10};

// Backend::latency_estimate: the upper 24 bits are the base-2 logarithm of the estimate in nanoseconds, in steps of
// 2^-18; the lower 40 bits say when it was taken, in milliseconds of the monotonic clock. 0: no estimate yet.
class LatencyEstimate {
 public:
  LatencyEstimate() = default;
  explicit LatencyEstimate(std::uint64_t packed) : packed_(packed) {}
  static LatencyEstimate of(double nanoseconds, base::TimePoint now) {
    double steps = std::round(std::log2(std::max(nanoseconds, 2.0)) * kStepsPerOctave);
    return LatencyEstimate(static_cast<std::uint64_t>(steps) << kTimeBits | milliseconds(now));
  }

  std::uint64_t packed() const { return packed_; }
  bool exists() const { return packed_ != 0; }

  // The estimate at `now` in nanoseconds, after its decay. Zero when there is none.
  double at(base::TimePoint now) const { return exists() ? std::exp2(octaves()) * kept_until(now) : 0; }

  // All estimates decay alike, so their order never changes by time passing alone: it is that of
  // log2(estimate) + time taken / decay. This is that number; add logarithms to it to weigh it.
  double rank() const { return octaves() + static_cast<double>(taken()) * kOctavesPerMillisecond; }

  // The estimate after a response that took `latency`: the latency itself when that is higher, else the average in
  // which the old estimate counts exp(-age / decay).
  LatencyEstimate after(base::Nanoseconds latency, base::TimePoint now) const {
    auto seen = static_cast<double>(latency.count());
    double decayed = at(now);
    double value = seen >= decayed ? seen : decayed + seen * (1 - kept_until(now));
    return of(value, now);
  }
  // After a failure, whose own duration says nothing: like a response of twice the estimate, at least 1 s, at most
  // 10 s, and never better than before. So a backend that fails fast is not taken for a fast one, and one that fails
  // in a burst is tried again before long.
  LatencyEstimate after_failure(base::TimePoint now) const {
    double decayed = at(now);
    return of(std::max(decayed, std::clamp(2 * decayed, 1e9, 1e10)), now);
  }

 private:
  static constexpr int kTimeBits = 40;
  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
  static constexpr double kStepsPerOctave = 1 << 18;
  static constexpr double kDecayMilliseconds = std::chrono::milliseconds(kLatencyDecay).count();
  static constexpr double kOctavesPerMillisecond = 1.4426950408889634 / kDecayMilliseconds;  // log2(e) / decay

  static std::uint64_t milliseconds(base::TimePoint time) {
    auto since_boot = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
    return static_cast<std::uint64_t>(since_boot.count()) & kTimeMask;
  }
  std::uint64_t taken() const { return packed_ & kTimeMask; }
  double octaves() const { return static_cast<double>(packed_ >> kTimeBits) / kStepsPerOctave; }
  // exp(-age / decay). Workers cache their time, so `now` may lie a little before the estimate's.
  double kept_until(base::TimePoint now) const {
    double age = static_cast<double>(milliseconds(now)) - static_cast<double>(taken());
    return std::exp(-std::max(age, 0.0) / kDecayMilliseconds);
  }

  std::uint64_t packed_ = 0;
};

}  // namespace weir::balance
