// Counts what a peer can make cheaply and we must answer dearly: rapid resets (CVE-2023-44487), resets that it makes us
// send (CVE-2025-8671), and floods of SETTINGS, PING, PRIORITY, WINDOW_UPDATE and empty frames.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace weir::http2 {

// A bucket for each kind, which leaks with time. All but `reset` leak by useful work as well: a connection that carries
// much may have many control frames. Not thread-safe.
class Abuse {
 public:
  enum class Kind : std::uint8_t { reset, settings, ping, priority, window_update, empty, unknown };

  explicit Abuse(std::uint32_t max_resets) { limits_[0] = max_resets; }

  // One more of `kind`. True when that is too many.
  bool charge(Kind kind, base::TimePoint now) {
    leak(now);
    auto at = static_cast<std::size_t>(kind);
    return ++levels_[at] > limits_[at];
  }
  // A stream was opened, or bytes of a body went either way.
  void useful() {
    ++useful_;
    useless_bytes_ = 0;
  }
  // `count` bytes were read. True when too many came with no use at all: frames of unknown types, and whatever else.
  bool take_bytes(std::size_t count) {
    useless_bytes_ += count;
    return useless_bytes_ > kMaxUselessBytes;
  }

 private:
  static constexpr std::size_t kKinds = 7;
  // A tenth of its limit leaks from each bucket a second.
  void leak(base::TimePoint now) {
    for (std::size_t i = 1; i < kKinds; ++i) levels_[i] -= std::min(levels_[i], useful_ * kPerUseful);
    useful_ = 0;
    if (now - leaked_ < std::chrono::milliseconds(100)) return;
    auto hundredths = (now - leaked_) / std::chrono::milliseconds(10);
    for (std::size_t i = 0; i < kKinds; ++i) {
      std::uint64_t out = std::max<std::uint64_t>(1, limits_[i] * static_cast<std::uint64_t>(hundredths) / 1000);
      levels_[i] -= static_cast<std::uint32_t>(std::min<std::uint64_t>(levels_[i], out));
    }
    leaked_ = now;
  }

  static constexpr std::uint32_t kPerUseful = 4;
  static constexpr std::size_t kMaxUselessBytes = 512 * 1024;
  std::array<std::uint32_t, kKinds> levels_{};
  //                                          reset settings ping priority window_update empty unknown
  std::array<std::uint32_t, kKinds> limits_{200, 100, 200, 1000, 2000, 100, 200};
  std::uint32_t useful_ = 0;
  std::size_t useless_bytes_ = 0;
  base::TimePoint leaked_{};
};

}  // namespace weir::http2
