#include "pool/slow_start.h"

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SlowStart, BeginsAtTenPercent) {
  EXPECT_EQ(slow_start_percent(seconds(0), seconds(30)), 10u);
  EXPECT_EQ(slow_start_percent(seconds(-5), seconds(30)), 10u);
}

TEST(SlowStart, GrowsLinearly) {
  EXPECT_EQ(slow_start_percent(seconds(10), seconds(30)), 40u);
  EXPECT_EQ(slow_start_percent(seconds(15), seconds(30)), 55u);
  EXPECT_EQ(slow_start_percent(milliseconds(29'999), seconds(30)), 99u);
}

TEST(SlowStart, EndsAtTheFullWeight) {
  EXPECT_EQ(slow_start_percent(seconds(30), seconds(30)), 100u);
  EXPECT_EQ(slow_start_percent(std::chrono::hours(10'000), seconds(30)), 100u);
}

TEST(SlowStart, IsOffWithoutADuration) {
  EXPECT_EQ(slow_start_percent(seconds(0), seconds(0)), 100u);
  EXPECT_EQ(slow_start_percent(seconds(-1), seconds(0)), 100u);
  EXPECT_EQ(slow_start_percent(seconds(0), seconds(-1)), 100u);
}

TEST(SlowStart, NeverFalls) {
  std::uint32_t last = 0;
  for (int i = 0; i <= 1'000; ++i) {
    std::uint32_t percent = slow_start_percent(milliseconds(i), milliseconds(997));
    EXPECT_GE(percent, last);
    EXPECT_LE(percent, 100u);
    last = percent;
  }
}

TEST(SlowStart, IsWorthLookingAtInStepsOfFivePercent) {
  EXPECT_EQ(slow_start_step(seconds(36)), seconds(2));
  EXPECT_EQ(slow_start_step(milliseconds(10)), milliseconds(100));
}

}  // namespace
}  // namespace weir::pool
