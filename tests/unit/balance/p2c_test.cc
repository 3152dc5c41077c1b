#include <algorithm>

#include "gtest/gtest.h"

#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

TEST(PowerOfTwoChoices, TakesTheLessLoadedOfTwoBackends) {
  pool::BackendSet set = set_of({1, 1});
  set[0].backend->in_flight = 5;
  set[1].backend->in_flight = 4;
  Picker picker("p2c", set);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picker.pick(), 1u);
}

TEST(PowerOfTwoChoices, ComparesPerUnitOfWeight) {
  pool::BackendSet set = set_of({3, 1});
  set[0].backend->in_flight = 5;
  set[1].backend->in_flight = 2;
  Picker picker("p2c", set);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picker.pick(), 0u);
}

TEST(PowerOfTwoChoices, NeverPicksTheMostLoadedOfMany) {
  pool::BackendSet set = set_of_size(20);
  set[7].backend->in_flight = 1;
  Picker picker("p2c", set);
  for (int i = 0; i < 10'000; ++i) EXPECT_NE(picker.pick(), 7u);
}

TEST(PowerOfTwoChoices, SharesAnIdlePoolByWeight) {
  pool::BackendSet set = set_of({6, 3, 1});
  Picker picker("p2c", set);
  std::vector<int> counts(3);
  for (int i = 0; i < 100'000; ++i) ++counts[picker.pick()];
  EXPECT_NEAR(counts[0], 60'000, 700);
  EXPECT_NEAR(counts[1], 30'000, 600);
  EXPECT_NEAR(counts[2], 10'000, 400);
}

TEST(PowerOfTwoChoices, FindsASecondChoiceBesideAnOverwhelmingWeight) {
  pool::BackendSet set = set_of({1000, 1});
  set[0].backend->in_flight = 5000;
  Picker picker("p2c", set);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picker.pick(), 1u);
}

// With m requests on n backends the fullest has about m/n + log2(log2(n)) by two choices; at random it would have about
// 10 + 3.6 * sqrt(10) = 21 here.
TEST(PowerOfTwoChoices, KeepsTheFullestCloseToTheAverage) {
  pool::BackendSet set = set_of_size(1'000);
  Picker picker("p2c", set);
  for (int i = 0; i < 10'000; ++i) picker.pick_and_start();
  std::uint32_t most = 0;
  for (const pool::BackendEntry& each : set) most = std::max(most, each.backend->in_flight.load());
  EXPECT_LE(most, 14u);
}

}  // namespace
}  // namespace weir::balance
