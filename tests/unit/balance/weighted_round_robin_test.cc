#include <algorithm>
#include <cmath>
#include <numeric>

#include "gtest/gtest.h"

#include "balance/weighted_schedule.h"
#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

// nginx's algorithm as it is written there, one backend after the other.
std::vector<std::uint32_t> nginx_cycle(const std::vector<std::uint32_t>& weights) {
  std::int64_t sum = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  std::vector<std::int64_t> current(weights.size());
  std::vector<std::uint32_t> cycle;
  for (std::int64_t i = 0; i < sum; ++i) {
    for (std::size_t j = 0; j < weights.size(); ++j) current[j] += weights[j];
    auto best = std::ranges::max_element(current);  // the first of equals
    *best -= sum;
    cycle.push_back(static_cast<std::uint32_t>(best - current.begin()));
  }
  return cycle;
}

TEST(WeightedRoundRobin, InterleavesByWeight) {
  pool::BackendSet set = set_of({3, 1, 2});
  EXPECT_EQ(Picker("weighted_round_robin", set).letters(12), "acabcaacabca");
}

TEST(WeightedRoundRobin, SpreadsAHeavyBackendOverTheCycle) {
  pool::BackendSet set = set_of({5, 1, 1});
  EXPECT_EQ(Picker("weighted_round_robin", set).letters(7), "aabacaa");
}

TEST(WeightedRoundRobin, IsPlainRoundRobinForEqualWeights) {
  pool::BackendSet set = set_of({50, 50, 50});
  EXPECT_EQ(Picker("weighted_round_robin", set).letters(6), "abcabc");
}

TEST(WeightedSchedule, HasTheOrderOfNginxForAnyWeights) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint32_t> weights(1 + random.below(20));
    std::uint64_t most = 1 + random.below(40);
    for (std::uint32_t& weight : weights) weight = static_cast<std::uint32_t>(1 + random.below(most));
    ASSERT_EQ(smooth_schedule(weights), nginx_cycle(weights)) << "in round " << round;
  }
}

TEST(WeightedSchedule, IsEmptyForNoBackends) { EXPECT_TRUE(smooth_schedule({}).empty()); }

TEST(WeightedRoundRobin, GoesOnWhereThePreviousOneWas) {
  pool::BackendSet set = set_of({3, 1, 2});
  Picker before("weighted_round_robin", set);
  EXPECT_EQ(before.letters(4), "acab");
  EXPECT_EQ(Picker("weighted_round_robin", set, {}, before.strategy()).letters(4), "caac");
}

TEST(WeightedRoundRobin, GivesARetryAnotherBackend) {
  pool::BackendSet set = set_of({1000, 1});
  Picker picker("weighted_round_robin", set);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(picker.pick_avoiding({0}), 1u);
}

// 200 backends whose weights have no common divisor and add up to more than a cycle may be long.
class WithoutACycle : public testing::Test {
 protected:
  WithoutACycle() {
    for (std::uint32_t i = 0; i < 200; ++i) set.push_back(entry("backend-" + std::to_string(i), 997 - 3 * i));
    for (const pool::BackendEntry& each : set) sum += each.weight;
  }
  pool::BackendSet set;
  double sum = 0;
};

TEST_F(WithoutACycle, KeepsEveryBackendWithinAFewTurnsOfItsShareAtAnyTime) {
  ASSERT_GT(sum, 65'536);
  Picker picker("weighted_round_robin", set);
  std::vector<int> counts(set.size());
  for (int turn = 1; turn <= 100'000; ++turn) {
    ++counts[picker.pick()];
    if (turn % 997 != 0) continue;
    for (std::size_t i = 0; i < set.size(); ++i) ASSERT_NEAR(counts[i], turn * set[i].weight / sum, 5);
  }
}

TEST_F(WithoutACycle, NeverTakesABackendTwiceInARow) {
  Picker picker("weighted_round_robin", set);
  std::uint32_t last = picker.pick();
  for (int i = 0; i < 10'000; ++i) {
    std::uint32_t next = picker.pick();
    ASSERT_NE(next, last);
    last = next;
  }
}

TEST_F(WithoutACycle, RampsABackendInSlowStart) {
  set[100].slow_start_percent = 10;
  Picker picker("weighted_round_robin", set);
  int count = 0;
  for (int i = 0; i < 100'000; ++i) count += picker.pick() == 100;
  double share = 1e5 * set[100].weight * 0.1 / (sum - 0.9 * set[100].weight);
  EXPECT_NEAR(count, share, 4);
}

}  // namespace
}  // namespace weir::balance
