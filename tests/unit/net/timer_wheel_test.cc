#include "net/timer_wheel.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "base/random.h"

namespace weir::net {
namespace {

struct Recorder final : TimerNode {
  void on_timer() override { fired = true, ++times; }
  bool fired = false;
  int times = 0;
};

TEST(TimerWheel, FiresEveryTimerAtItsTickAndNeverBefore) {
  TimerWheel wheel;
  base::Random random(7);
  std::vector<std::unique_ptr<Recorder>> timers;
  for (int i = 0; i < 3000; ++i) {
    timers.push_back(std::make_unique<Recorder>());
    wheel.arm(*timers.back(), 1 + random.below(i % 3 == 0 ? 100 : i % 3 == 1 ? 10'000 : 3'000'000));
  }
  for (Tick now = 0; now < 3'100'000; now += 1 + random.below(5000)) {
    wheel.advance(now);
    for (auto& timer : timers) ASSERT_EQ(timer->fired, timer->expires() <= now) << timer->expires() << " at " << now;
  }
  EXPECT_EQ(wheel.next_expiry(), kNever);
  for (auto& timer : timers) EXPECT_EQ(timer->times, 1);
}

TEST(TimerWheel, NextExpiryIsNeverLate) {
  TimerWheel wheel;
  base::Random random(11);
  Tick now = 0;
  for (int i = 0; i < 2000; ++i) {
    Recorder timer;
    Tick expires = now + 1 + random.below(1'000'000);
    wheel.arm(timer, expires);
    while (!timer.fired) {
      Tick next = wheel.next_expiry();
      ASSERT_GT(next, now);
      ASSERT_LE(next, expires);
      now = next;
      wheel.advance(now);
    }
    ASSERT_EQ(now, expires);
  }
}

TEST(TimerWheel, ATimerInThePastFiresAtTheNextAdvance) {
  TimerWheel wheel;
  wheel.advance(1000);
  Recorder timer;
  wheel.arm(timer, 3);
  wheel.advance(1001);
  EXPECT_TRUE(timer.fired);
}

TEST(TimerWheel, ADisarmedOrMovedTimerDoesNotFireAtItsOldTick) {
  TimerWheel wheel;
  Recorder disarmed, moved;
  wheel.arm(disarmed, 10);
  wheel.arm(moved, 10);
  wheel.disarm(disarmed);
  wheel.arm(moved, 500);
  wheel.advance(499);
  EXPECT_FALSE(disarmed.fired);
  EXPECT_FALSE(moved.fired);
  wheel.advance(500);
  EXPECT_TRUE(moved.fired);
}

}  // namespace
}  // namespace weir::net
