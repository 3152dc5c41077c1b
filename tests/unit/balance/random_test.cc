#include <cmath>

#include "gtest/gtest.h"

#include "balance/alias_table.h"
#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

std::vector<int> draws(const std::vector<std::uint32_t>& weights, int count) {
  AliasTable table(weights);
  base::Random random(1);
  std::vector<int> counts(weights.size());
  for (int i = 0; i < count; ++i) ++counts[table.draw(random)];
  return counts;
}

TEST(AliasTable, DrawsByWeight) {
  std::vector<std::uint32_t> weights{1, 20, 300, 7, 72};
  std::vector<int> counts = draws(weights, 4'000'000);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    double share = 10'000.0 * weights[i];
    EXPECT_NEAR(counts[i], share, 4 * std::sqrt(share)) << i;
  }
}

TEST(AliasTable, DrawsTheOnlyEntry) { EXPECT_EQ(draws({5}, 100), std::vector{100}); }

TEST(AliasTable, HoldsTheLargestWeights) {
  std::vector<int> counts = draws({UINT32_MAX, UINT32_MAX, UINT32_MAX}, 30'000);
  for (int count : counts) EXPECT_NEAR(count, 10'000, 400);
}

TEST(Random, DrawsAnewForARetry) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker picker("random", set);
  int first = 0;
  for (int i = 0; i < 10'000; ++i) first += picker.pick_avoiding({1}) == 0;
  EXPECT_NEAR(first, 5'000, 300);
}

TEST(Random, FindsALightBackendBesideAHeavyOneThatIsAvoided) {
  pool::BackendSet set = set_of({1000, 1});
  Picker picker("random", set);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picker.pick_avoiding({0}), 1u);
}

}  // namespace
}  // namespace weir::balance
