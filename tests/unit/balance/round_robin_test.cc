#include "gtest/gtest.h"

#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

TEST(RoundRobin, TakesBackendsInOrder) {
  pool::BackendSet set = set_of({1, 1, 1});
  EXPECT_EQ(Picker("round_robin", set).letters(7), "abcabca");
}

TEST(RoundRobin, PaysNoRegardToWeight) {
  pool::BackendSet set = set_of({9, 1});
  EXPECT_EQ(Picker("round_robin", set).letters(4), "abab");
}

TEST(RoundRobin, GoesOnWhereThePreviousOneWas) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker before("round_robin", set);
  EXPECT_EQ(before.letters(2), "ab");
  Picker after("round_robin", set, {}, before.strategy());
  EXPECT_EQ(after.letters(2), "ca");
  EXPECT_EQ(before.letters(1), "b") << "a worker that has not changed over yet takes its turn from the same sequence";
  EXPECT_EQ(after.letters(1), "c");
}

TEST(RoundRobin, GivesARetryTheNextTurn) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker picker("round_robin", set);
  EXPECT_EQ(picker.pick(), 0u);
  EXPECT_EQ(picker.pick_avoiding({0}), 1u);
  EXPECT_EQ(picker.pick_avoiding({2}), 0u);
  EXPECT_EQ(picker.pick(), 1u);
}

}  // namespace
}  // namespace weir::balance
