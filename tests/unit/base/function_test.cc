#include "base/function.h"

#include <memory>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

int call(FunctionRef<int(int)> function) { return function(20); }

TEST(FunctionRef, CallsWhatItBorrows) {
  int calls = 0;
  auto add = [&calls](int x) { return ++calls, x + 1; };
  EXPECT_EQ(call(add), 21);
  EXPECT_EQ(call(add), 21);
  EXPECT_EQ(calls, 2);
}

TEST(FunctionRef, TakesCallablesThatCannotBeCopiedAndConstantOnes) {
  auto owned = std::make_unique<int>(22);
  EXPECT_EQ(call([owned = std::move(owned)](int x) { return x + *owned; }), 42);
  const auto twice = [](int x) { return 2 * x; };
  EXPECT_EQ(call(twice), 40);
}

TEST(FunctionRef, PassesReferencesAndMoveOnlyArguments) {
  auto set = [](int& target, std::unique_ptr<int> value) { target = *value; };
  FunctionRef<void(int&, std::unique_ptr<int>)> function = set;
  int target = 0;
  function(target, std::make_unique<int>(7));
  EXPECT_EQ(target, 7);
}

}  // namespace
}  // namespace weir::base
