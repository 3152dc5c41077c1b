// Which worker serves a new connection.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace weir::front {

// The rule of the worker that has accepted the connection: keep it, or give it to the worker with the least to do. A
// few long connections are each worth a place of their own, while giving away (some 5 us on two workers) would be dear
// for each of many short ones. So any difference counts as long as few connections are given away for a small one, 100
// a second; beyond that, only a large difference. The worker's thread only.
class Placement {
 public:
  // `mine` and `least`: what this worker, and the one with the least, has to do (Worker::load()).
  bool gives_away(std::uint32_t mine, std::uint32_t least, base::TimePoint now) {
    if (mine <= least) return false;
    if (mine > least + kUnevenBy + mine / 8) return true;
    auto earned = (now - earned_until_) / kEarnOneIn;
    if (earned > 0) {
      small_left_ = static_cast<std::uint32_t>(std::min<std::int64_t>(kMostSmall, small_left_ + earned));
      earned_until_ = small_left_ == kMostSmall ? now : earned_until_ + earned * kEarnOneIn;
    }
    if (small_left_ == 0) return false;
    --small_left_;
    return true;
  }

 private:
  static constexpr std::uint32_t kUnevenBy = 8;
  static constexpr std::uint32_t kMostSmall = 64;
  static constexpr auto kEarnOneIn = std::chrono::milliseconds(10);
  std::uint32_t small_left_ = kMostSmall;
  base::TimePoint earned_until_{};
};

}  // namespace weir::front
