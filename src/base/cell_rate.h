// The generic cell rate algorithm (ITU-T I.371): a rate with a burst, for which one number is all that is remembered.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

namespace weir::base {

// The number is `due`: when all that was admitted is used up, in nanoseconds of the clock that `now` comes from; 0 at
// the beginning. Immutable, any thread.
class CellRate {
 public:
  // `per_second` is from 1 to 10^9. So many as `burst`, at least 1, may come at once.
  constexpr CellRate(std::uint32_t per_second, std::uint32_t burst)
      : step_(1'000'000'000 / per_second), tolerance_(step_ * (static_cast<std::int64_t>(burst) - 1)) {}

  // `due` after one more at `now`; nothing when there is no room for it.
  constexpr std::optional<std::int64_t> after_one_more(std::int64_t due, std::int64_t now) const {
    if (due - now > tolerance_) return std::nullopt;
    return std::max(due, now) + step_;
  }

  // Admits one more, or not. Threads that share `due` never admit more together than one would.
  bool admit(std::atomic<std::int64_t>& due, std::int64_t now) const {
    std::int64_t before = due.load(std::memory_order_relaxed);
    std::optional<std::int64_t> after;
    do {
      after = after_one_more(before, now);
      if (!after) return false;
    } while (!due.compare_exchange_weak(before, *after, std::memory_order_relaxed));
    return true;
  }

 private:
  std::int64_t step_;
  std::int64_t tolerance_;
};

}  // namespace weir::base
