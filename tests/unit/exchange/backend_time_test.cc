#include "exchange/backend_time.h"

#include "gtest/gtest.h"

namespace weir::exchange {
namespace {

using std::chrono::seconds;

constexpr base::TimePoint at(int second) { return base::TimePoint(seconds(1000 + second)); }

TEST(BackendTime, BeginsWhenTheBackendIsAsked) {
  EXPECT_EQ(time_since_asked({.at = at(3), .in_full = true}, at(5)), seconds(2));
  EXPECT_EQ(time_since_asked({.in_full = true}, at(5)), seconds(0)) << "it never was";
}

TEST(BackendTime, BeginsWithTheEndOfTheRequest) {
  EXPECT_EQ(time_since_asked({.at = at(3), .body_sent_at = at(9), .in_full = true}, at(10)), seconds(1));
  EXPECT_EQ(time_since_asked({.at = at(3), .body_sent_at = at(1), .in_full = true}, at(10)), seconds(7))
      << "the body of an earlier try";
}

TEST(BackendTime, IsUnknownOfAResponseThatComesBeforeTheEndOfTheRequest) {
  EXPECT_EQ(time_since_asked({.at = at(3), .in_full = false}, at(5)), seconds(0));
  EXPECT_EQ(time_since_asked({.at = at(3), .body_sent_at = at(9), .in_full = true}, at(5)), seconds(0));
}

TEST(BackendTime, TellsWhoIsLate) {
  EXPECT_TRUE(is_late_by_backend({.at = at(1), .in_full = true}, at(10), seconds(10)));
  EXPECT_FALSE(is_late_by_backend({.at = at(1), .in_full = false}, at(10), seconds(10))) << "a slow upload";
  EXPECT_FALSE(is_late_by_backend({.at = at(8), .in_full = true}, at(10), seconds(10))) << "after other tries";
}

}  // namespace
}  // namespace weir::exchange
