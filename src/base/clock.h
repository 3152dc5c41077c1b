// Time as the rest of Weir sees it: monotonic, in nanoseconds, and replaceable in tests.
#pragma once

#include <chrono>
#include <cstdint>

namespace weir::base {

using Nanoseconds = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

// Reads the monotonic clock: about 20 ns. On the data path prefer the reactor's cached now().
inline TimePoint now() { return std::chrono::steady_clock::now(); }

// A source of time for code that is tested without waiting.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  TimePoint now() const override { return base::now(); }
};

// Stands still until told to move. Not thread-safe.
class ManualClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void advance(Nanoseconds by) { now_ += by; }

 private:
  TimePoint now_{std::chrono::hours(1)};
};

// Wall-clock time in milliseconds since 1970-01-01 UTC, for what people read.
std::int64_t unix_milliseconds();

}  // namespace weir::base
