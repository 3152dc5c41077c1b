#include <algorithm>
#include <thread>

#include "gtest/gtest.h"

#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

constexpr std::string_view kName = "least_connections";

void set_in_flight(const pool::BackendSet& set, std::vector<std::uint32_t> counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) set[i].backend->in_flight = counts[i];
}

TEST(LeastConnections, PicksTheFewestInFlight) {
  pool::BackendSet set = set_of({1, 1, 1});
  set_in_flight(set, {3, 1, 2});
  EXPECT_EQ(Picker(kName, set).pick(), 1u);
}

TEST(LeastConnections, PicksTheFewestInFlightPerUnitOfWeight) {
  pool::BackendSet set = set_of({4, 1, 2});
  set_in_flight(set, {7, 2, 4});
  EXPECT_EQ(Picker(kName, set).pick(), 0u);
  set_in_flight(set, {9, 2, 4});
  EXPECT_NE(Picker(kName, set).pick(), 0u);
}

TEST(LeastConnections, RotatesAmongEquals) {
  pool::BackendSet set = set_of({1, 1, 1});
  EXPECT_EQ(Picker(kName, set).letters(6), "abcabc") << "even if none of the picks has been counted yet";
}

TEST(LeastConnections, TakesTheOnePickedLongestAgoAmongEquals) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker picker(kName, set);
  set_in_flight(set, {0, 0, 5});
  EXPECT_EQ(picker.letters(3), "aba");
  set_in_flight(set, {0, 0, 0});
  EXPECT_EQ(picker.letters(3), "cba");
}

TEST(LeastConnections, PassesOverAvoidedBackends) {
  pool::BackendSet set = set_of({1, 1, 1});
  set_in_flight(set, {0, 2, 1});
  Picker picker(kName, set);
  EXPECT_EQ(picker.pick_avoiding({0}), 2u);
  EXPECT_EQ(picker.pick_avoiding({0, 2}), 1u);
}

TEST(LeastConnections, LetsANewcomerJoinTheRotationWhateverThePickNumbersAre) {
  pool::BackendSet set = set_of({1, 1});
  set[0].backend->last_picked = 0xffff'fff0;
  set[1].backend->last_picked = 0xffff'fff8;
  set.push_back(entry("c"));
  set.push_back(entry("d"));
  std::string letters = Picker(kName, set).letters(400);
  for (char each : {'a', 'b', 'c', 'd'}) EXPECT_EQ(std::ranges::count(letters, each), 100) << each;
}

// Above 32 backends the answer comes from a tree; it must be the one that looking at all of them gives.
class ManyBackends : public testing::TestWithParam<std::size_t> {
 protected:
  static double load(const pool::BackendEntry& each) {
    return static_cast<double>(each.backend->in_flight.load()) / each.weight;
  }
  static double least(const pool::BackendSet& set, const std::vector<std::uint32_t>& avoid = {}) {
    double result = 1e9;
    for (std::uint32_t i = 0; i < set.size(); ++i) {
      if (std::ranges::find(avoid, i) == avoid.end()) result = std::min(result, load(set[i]));
    }
    return result;
  }
  static pool::BackendSet weighted(std::size_t size) {
    pool::BackendSet set = set_of_size(size);
    for (std::size_t i = 0; i < size; ++i) set[i].weight = static_cast<std::uint32_t>(1 + i % 5);
    return set;
  }
};

TEST_P(ManyBackends, AlwaysGivesAMinimum) {
  pool::BackendSet set = weighted(GetParam());
  Picker picker(kName, set);
  base::Random random(3);
  std::vector<std::uint32_t> in_progress;
  for (int i = 0; i < 3'000; ++i) {
    if (!in_progress.empty() && random.below(100) < 45) {
      std::swap(in_progress[random.below(in_progress.size())], in_progress.back());
      picker.finish(in_progress.back());
      in_progress.pop_back();
      continue;
    }
    std::uint32_t index = picker.pick();
    ASSERT_DOUBLE_EQ(load(set[index]), least(set)) << "at step " << i;
    picker.start(index);
    in_progress.push_back(index);
  }
}

TEST_P(ManyBackends, GivesTheMinimumOfThoseNotAvoided) {
  pool::BackendSet set = weighted(GetParam());
  Picker picker(kName, set);
  base::Random random(5);
  for (int i = 0; i < 500; ++i) {
    std::vector<std::uint32_t> avoid;
    for (int k = 0; k < 4; ++k) {
      std::uint32_t index = picker.pick_avoiding(avoid);
      ASSERT_EQ(std::ranges::find(avoid, index), avoid.end());
      ASSERT_DOUBLE_EQ(load(set[index]), least(set, avoid));
      avoid.push_back(index);
    }
    picker.start(avoid[random.below(4)]);
  }
}

TEST_P(ManyBackends, NoticesWorkThatEndedOnAnOlderStrategy) {
  pool::BackendSet set = set_of_size(GetParam());
  for (const pool::BackendEntry& each : set) each.backend->in_flight = 100;
  Picker picker(kName, set);
  std::uint32_t freed = static_cast<std::uint32_t>(GetParam() * 2 / 3);
  set[freed].backend->in_flight = 0;  // and nobody tells this strategy
  bool found = false;
  for (std::size_t i = 0; i < 2 * GetParam() && !found; ++i) {
    std::uint32_t index = picker.pick_and_start();
    found = index == freed;
    picker.finish(index);
  }
  EXPECT_TRUE(found);
}

TEST_P(ManyBackends, IsExactAgainOnceSeveralWorkersRest) {
  pool::BackendSet set = weighted(GetParam());
  std::unique_ptr<Strategy> strategy = make_strategy({std::string(kName), {}}, set, nullptr);
  auto work = [&](std::uint64_t seed) {
    base::Random random(seed);
    std::vector<std::uint32_t> in_progress;
    for (int i = 0; i < 4'000; ++i) {
      if (in_progress.size() > 50 || (!in_progress.empty() && random.below(2) == 0)) {
        std::swap(in_progress[random.below(in_progress.size())], in_progress.back());
        set[in_progress.back()].backend->in_flight.fetch_sub(1, std::memory_order_relaxed);
        strategy->finished(in_progress.back(), std::chrono::milliseconds(1), {});
        in_progress.pop_back();
      } else {
        in_progress.push_back(strategy->pick({}));
        set[in_progress.back()].backend->in_flight.fetch_add(1, std::memory_order_relaxed);
        strategy->started(in_progress.back());
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 0; seed < 4; ++seed) threads.emplace_back(work, seed);
  }
  for (int i = 0; i < 100; ++i) {
    std::uint32_t index = strategy->pick({});
    ASSERT_DOUBLE_EQ(load(set[index]), least(set)) << "pick " << i;
    set[index].backend->in_flight.fetch_add(1);
    strategy->started(index);
  }
}

INSTANTIATE_TEST_SUITE_P(LeastConnections, ManyBackends, testing::Values(32, 33, 64, 100, 1000),
                         [](const auto& each) { return std::to_string(each.param); });

}  // namespace
}  // namespace weir::balance
