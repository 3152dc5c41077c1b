#include "base/random.h"

#include <array>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

// https://prng.di.unimi.it/splitmix64.c with seed 1234567.
TEST(Random, IsSplitMix64) {
  Random random(1234567);
  for (std::uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
                                 16408922859458223821u}) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(Random, GivesTheSameSequenceForTheSameSeedOnly) {
  Random one(7), same(7), other(8);
  std::uint64_t first = one.next();
  EXPECT_EQ(first, same.next());
  EXPECT_NE(first, other.next());
  EXPECT_NE(Random::seeded().next(), Random::seeded().next());
}

TEST(Random, BelowStaysBelowItsBound) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(random.below(1), 0u);
    EXPECT_LT(random.below(7), 7u);
    EXPECT_LT(random.below(UINT64_MAX), UINT64_MAX);
  }
}

TEST(Random, BelowGivesEveryValueItsShare) {
  constexpr int kDraws = 100'000;
  Random random(2);
  std::array<int, 10> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(counts.size())];
  for (int count : counts) EXPECT_NEAR(count, kDraws / 10, kDraws / 10 / 20);
}

TEST(Random, UnitLiesInTheHalfOpenInterval) {
  Random random(3);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    double value = random.unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.01);
}

}  // namespace
}  // namespace weir::base
