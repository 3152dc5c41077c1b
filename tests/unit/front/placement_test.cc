#include "front/placement.h"

#include <array>

#include "gtest/gtest.h"

namespace weir::front {
namespace {

using namespace std::chrono_literals;

// Workers of whom the first accepts all connections.
template <std::size_t kWorkers>
std::array<std::uint32_t, kWorkers> place(int connections, base::Nanoseconds between) {
  std::array<std::uint32_t, kWorkers> loads{};
  Placement placement;
  base::TimePoint now{1h};
  for (int i = 0; i < connections; ++i, now += between) {
    auto least = std::min_element(loads.begin(), loads.end());
    ++(placement.gives_away(loads[0], *least, now) ? *least : loads[0]);
  }
  return loads;
}

TEST(Placement, TwoLongConnectionsOnTwoWorkersEndOneEach) {
  EXPECT_EQ(place<2>(2, 0s), (std::array<std::uint32_t, 2>{1, 1}));
}

TEST(Placement, AFewLongConnectionsAreSpreadExactly) {
  EXPECT_EQ(place<4>(40, 0s), (std::array<std::uint32_t, 4>{10, 10, 10, 10}));
  EXPECT_EQ(place<2>(1000, 20ms), (std::array<std::uint32_t, 2>{500, 500}));
}

TEST(Placement, OfManyAtOnceOnlyALargeDifferenceIsEvened) {
  Placement placement;
  base::TimePoint now{1h};
  int given_away = 0;
  for (int i = 0; i < 10'000; ++i) given_away += placement.gives_away(40, 35, now);
  EXPECT_LT(given_away, 100);
  EXPECT_TRUE(placement.gives_away(60, 30, now));
}

TEST(Placement, GivingAwayForASmallDifferenceIsEarnedWithTime) {
  Placement placement;
  base::TimePoint now{1h};
  int given_away = 0;
  for (int i = 0; i < 10'000; ++i, now += 1ms) given_away += placement.gives_away(40, 35, now);
  EXPECT_GE(given_away, 1000);
  EXPECT_LT(given_away, 1100);
}

TEST(Placement, NothingIsGivenToOneWithNoLessToDo) {
  Placement placement;
  EXPECT_FALSE(placement.gives_away(3, 3, base::TimePoint(1h)));
}

}  // namespace
}  // namespace weir::front
