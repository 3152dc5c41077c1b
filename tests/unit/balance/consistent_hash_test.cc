#include <algorithm>
#include <cmath>
#include <map>

#include "gtest/gtest.h"

#include "balance/ring.h"
#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

constexpr std::string_view kName = "consistent_hash";

std::map<std::uint32_t, int> points_of(const Ring& ring) {
  std::map<std::uint32_t, int> counts;
  for (std::size_t i = 0; i < ring.size(); ++i) ++counts[ring.backend_at(i)];
  return counts;
}

TEST(Ring, HasAHundredAndFiftyPointsPerUnitOfWeight) {
  EXPECT_EQ(points_of(Ring(set_of({1, 3}))), (std::map<std::uint32_t, int>{{0, 150}, {1, 450}}));
}

TEST(Ring, HasFewerPointsForABackendInSlowStart) {
  pool::BackendSet set = set_of({1, 1});
  set[1].slow_start_percent = 10;
  EXPECT_EQ(points_of(Ring(set)), (std::map<std::uint32_t, int>{{0, 150}, {1, 15}}));
}

TEST(Ring, FindsTheFirstPointAtOrAfterAPlace) {
  Ring ring(set_of_size(50));
  base::Random random(1);
  // The points are in order, so a search from any place must give the same as going round from the first.
  std::size_t last = ring.find(0);
  EXPECT_EQ(last, 0u);
  for (std::uint64_t place = 0; place < UINT64_MAX - (1ull << 45); place += 1ull << 44) {
    std::size_t position = ring.find(place);
    if (position == 0 && last > 0) break;  // past the last point
    ASSERT_GE(position, last);
    last = position;
  }
  EXPECT_GT(last, ring.size() - 20);
  EXPECT_EQ(ring.find(UINT64_MAX), 0u) << "after the last point comes the first";
  EXPECT_EQ(ring.next(ring.size() - 1), 0u);
}

TEST(Ring, StaysBoundedForHugeWeights) {
  Ring ring(set_of({1000, 1000, 500, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1}));
  EXPECT_NEAR(static_cast<double>(ring.size()), Ring::kMostPoints, 20);
  std::map<std::uint32_t, int> counts = points_of(ring);
  EXPECT_NEAR(counts[0], 2.0 * counts[2], 2);
  EXPECT_GE(counts[16], 1);
}

TEST(Ring, IsEmptyForNoBackends) { EXPECT_EQ(Ring({}).size(), 0u); }

TEST(ConsistentHash, TakesTheNextOnTheRingForARetry) {
  pool::BackendSet set = set_of_size(10);
  Picker picker(kName, set);
  for (std::uint64_t key = 0; key < 200; ++key) {
    std::uint32_t home = picker.pick(key);
    std::uint32_t retry = picker.pick_avoiding({home}, key);
    pool::BackendSet without = set;
    without.erase(without.begin() + home);
    EXPECT_EQ(without[Picker(kName, without).pick(key)].backend, set[retry].backend)
        << "where the key would go if its backend were gone";
  }
}

TEST(ConsistentHash, BoundsTheLoadOfAHotKeysBackend) {
  pool::BackendSet set = set_of_size(10);
  Picker picker(kName, set);
  for (int total = 1; total <= 1'000; ++total) {
    std::uint32_t index = picker.pick_and_start(99);
    ASSERT_LE(set[index].backend->in_flight.load(), std::ceil(1.25 * total / 10));
  }
  for (const pool::BackendEntry& each : set) EXPECT_LE(each.backend->in_flight.load(), 125u);
}

TEST(ConsistentHash, BoundsTheLoadByWeight) {
  pool::BackendSet set = set_of({1, 3});
  Picker picker(kName, set);
  for (int i = 0; i < 400; ++i) picker.pick_and_start(static_cast<std::uint64_t>(i % 2));
  EXPECT_LE(set[0].backend->in_flight.load(), 125u);
  EXPECT_LE(set[1].backend->in_flight.load(), 375u);
}

TEST(ConsistentHash, SendsAKeyHomeAgainWhenTheLoadIsGone) {
  pool::BackendSet set = set_of_size(10);
  Picker picker(kName, set);
  std::uint32_t home = picker.pick_and_start(5);
  EXPECT_NE(picker.pick_and_start(5), home);
  picker.finish(home);
  EXPECT_EQ(picker.pick(5), home);
}

TEST(ConsistentHash, SpillsNothingWithALargeLoadFactor) {
  pool::BackendSet set = set_of_size(10);
  Picker picker(kName, set, {{"load_factor", 1e6}});
  std::uint32_t home = picker.pick(5);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(picker.pick_and_start(5), home);
}

TEST(ConsistentHash, LevelsTheLoadWithAFactorOfOne) {
  pool::BackendSet set = set_of_size(5);
  Picker picker(kName, set, {{"load_factor", 1.0}});
  for (std::uint64_t i = 0; i < 500; ++i) picker.pick_and_start(i);
  for (const pool::BackendEntry& each : set) EXPECT_EQ(each.backend->in_flight.load(), 100u);
}

TEST(ConsistentHash, KeepsCountingWorkThatAnEarlierOneBegan) {
  pool::BackendSet set = set_of_size(4);
  Picker before(kName, set);
  for (std::uint64_t i = 0; i < 400; ++i) before.start(before.pick(i));
  Picker after(kName, set, {}, before.strategy());
  std::uint32_t index = after.pick(7);
  EXPECT_LE(set[index].backend->in_flight.load(), 126u);
  EXPECT_EQ(index, before.pick(7));
}

TEST(ConsistentHash, TakesTheLeastLoadedItSeesWhenAllAreOverTheBound) {
  pool::BackendSet set = set_of({1, 1, 1});
  // Work of another strategy: on the backends, but not in the total.
  for (std::uint32_t i = 0; i < 3; ++i) set[i].backend->in_flight = 50 - i;
  Picker picker(kName, set);
  for (std::uint64_t key = 0; key < 100; ++key) EXPECT_EQ(picker.pick(key), 2u);
}

TEST(ConsistentHash, MovesKeysOnlyToTheBackendWhoseWeightGrows) {
  pool::BackendSet before = set_of({2, 2, 2});
  pool::BackendSet after = before;
  after[1].weight = 3;
  Picker one(kName, before);
  Picker other(kName, after);
  int moved = 0;
  for (std::uint64_t key = 0; key < 20'000; ++key) {
    std::uint32_t index = other.pick(key);
    if (index == one.pick(key)) continue;
    EXPECT_EQ(index, 1u);
    ++moved;
  }
  EXPECT_NEAR(moved, 20'000 * (3.0 / 7 - 2.0 / 6), 600);
}

}  // namespace
}  // namespace weir::balance
