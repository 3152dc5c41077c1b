#include "worker/wall_clock.h"

#include "gtest/gtest.h"

namespace weir::worker {
namespace {

using namespace std::chrono_literals;

TEST(WallClock, GoesOnWithTheSteadyClockWithinASecond) {
  WallClock clock;
  base::TimePoint start{1h};
  std::int64_t first = clock.unix_ms(start);
  EXPECT_EQ(clock.unix_ms(start + 250ms), first + 250);
  EXPECT_EQ(clock.unix_ms(start + 999ms), first + 999);
}

TEST(WallClock, AsksTheSystemAgainAfterASecond) {
  WallClock clock;
  base::TimePoint start{1h};
  std::int64_t first = clock.unix_ms(start);
  // By the steady clock alone it would be a day later.
  EXPECT_LT(clock.unix_ms(start + 24h), first + 3'600'000);
}

}  // namespace
}  // namespace weir::worker
