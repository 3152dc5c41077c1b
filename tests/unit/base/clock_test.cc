#include "base/clock.h"

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock;
  TimePoint start = clock.now();
  EXPECT_EQ(clock.now(), start);
  clock.advance(std::chrono::seconds(3));
  EXPECT_EQ(clock.now() - start, std::chrono::seconds(3));
}

TEST(ManualClock, StartsFarEnoughFromZeroToSubtract) {
  EXPECT_GT(ManualClock().now() - std::chrono::minutes(30), TimePoint{});
}

TEST(SteadyClock, NeverGoesBack) {
  SteadyClock clock;
  TimePoint last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    TimePoint next = clock.now();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(UnixMilliseconds, CountsFrom1970) {
  auto before = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  std::int64_t now = unix_milliseconds();
  auto after = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  EXPECT_GE(now, before);
  EXPECT_LE(now, after);
}

}  // namespace
}  // namespace weir::base
