#include <algorithm>

#include "gtest/gtest.h"

#include "balance/maglev_table.h"
#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

std::vector<int> slots_of(const pool::BackendSet& set, std::uint32_t size) {
  std::vector<int> counts(set.size());
  std::vector<std::uint32_t> table = maglev_table(set, size);
  EXPECT_EQ(table.size(), size);
  for (std::uint32_t index : table) ++counts.at(index);
  return counts;
}

TEST(MaglevTable, GivesEqualBackendsEqualShares) {
  std::vector<int> counts = slots_of(set_of_size(10), 8'191);
  for (int count : counts) EXPECT_NEAR(count, 819.1, 1);
}

TEST(MaglevTable, GivesSharesByWeight) {
  std::vector<int> counts = slots_of(set_of({1, 2, 5, 92}), 8'191);
  EXPECT_NEAR(counts[0], 81.9, 2);
  EXPECT_NEAR(counts[1], 163.8, 2);
  EXPECT_NEAR(counts[2], 409.6, 2);
  EXPECT_NEAR(counts[3], 7535.7, 4);
}

TEST(MaglevTable, LeavesNoBackendWithoutASlot) {
  pool::BackendSet set = set_of_size(500);
  for (std::size_t i = 1; i < set.size(); ++i) set[i].weight = 1000;
  set[0].slow_start_percent = 10;
  EXPECT_GE(std::ranges::min(slots_of(set, 8'191)), 1);
}

TEST(MaglevTable, CopesWithOneBackendOfNearlyAllTheWeight) {
  pool::BackendSet set = set_of_size(100);
  set[42].weight = 1000;
  std::vector<int> counts = slots_of(set, 65'537);
  EXPECT_NEAR(counts[42], 65'537 * 1000.0 / 1099, 60);
  EXPECT_NEAR(counts[0], 65'537 / 1099.0, 1.5);
}

TEST(MaglevTable, FitsExactlyOneSlotPerBackend) {
  std::vector<int> counts = slots_of(set_of_size(7), 7);
  EXPECT_EQ(std::ranges::max(counts), 1);
}

TEST(MaglevTable, IsEmptyForNoBackends) { EXPECT_TRUE(maglev_table({}, 7).empty()); }

TEST(MaglevSize, IsAPrimeWithRoomForAll) {
  EXPECT_EQ(maglev_size_for(1, 1), 3u);
  EXPECT_EQ(maglev_size_for(8'192, 3), 8'209u);
  EXPECT_EQ(maglev_size_for(65'537, 3), 65'537u);
  EXPECT_EQ(maglev_size_for(10, 1'000), 1'009u);
  EXPECT_EQ(maglev_size_for(25, 3), 29u);
  EXPECT_EQ(maglev_size_for(kLargestMaglevTable, 3), kLargestMaglevTable);
}

TEST(MaglevSize, LeavesAHundredSlotsEachUnlessToldOtherwise) {
  EXPECT_EQ(default_maglev_size(0), 8'191u);
  EXPECT_EQ(default_maglev_size(81), 8'191u);
  EXPECT_EQ(default_maglev_size(82), 65'537u);
  EXPECT_EQ(default_maglev_size(10'000), 1'000'003u);
  EXPECT_EQ(default_maglev_size(1'000'000), kLargestMaglevTable);
  for (std::size_t count : {1, 100, 1'000, 10'000, 100'000}) {
    std::uint32_t size = default_maglev_size(count);
    EXPECT_EQ(maglev_size_for(size, count), size) << "the sizes are primes";
  }
}

TEST(Maglev, TakesTheTableSizeItIsGiven) {
  pool::BackendSet set = set_of({1, 1});
  Picker picker("maglev", set, {{"table_size", std::int64_t{3}}});
  int first = 0;
  for (std::uint64_t key = 0; key < 30'000; ++key) first += picker.pick(key) == 0;
  EXPECT_TRUE(std::abs(first - 10'000) < 400 || std::abs(first - 20'000) < 400) << first;
}

TEST(Maglev, SpreadsTheKeysOfARemovedBackendOverTheOthers) {
  pool::BackendSet set = set_of_size(10);
  pool::BackendSet without(set.begin() + 1, set.end());
  Picker before("maglev", set);
  Picker after("maglev", without);
  std::vector<int> heirs(9);
  for (std::uint64_t key = 0; key < 100'000; ++key) {
    if (before.pick(key) == 0) ++heirs[after.pick(key)];
  }
  for (int count : heirs) EXPECT_NEAR(count, 10'000 / 9.0, 250);
}

}  // namespace
}  // namespace weir::balance
