// base/try.h in coroutines.
#include "base/try.h"

#include "gtest/gtest.h"

#include "net/task.h"
#include "net/task_group.h"

namespace weir::net {
namespace {

Task<base::Result<int>> half(int number) {
  if (number % 2 != 0) co_return base::fail(base::ErrorCode::protocol, "an odd number");
  co_return number / 2;
}

Task<base::Result<int>> quarter(int number) {
  WEIR_CO_TRY(co_await half(number));
  WEIR_CO_TRY_TO(int first, co_await half(number));
  WEIR_CO_TRY_TO(int second, co_await half(first));
  co_return second;
}

Task<void> run(int number, base::Result<int>& into) { into = co_await quarter(number); }

TEST(CoTry, GoesOnWithTheValueOrEndsWithTheError) {
  Reactor reactor;
  reactor.adopt_thread();
  TaskGroup group;
  base::Result<int> good, bad;
  group.spawn(run(12, good));
  group.spawn(run(6, bad));
  EXPECT_EQ(good, 3);
  EXPECT_EQ(bad.error().what, std::string("an odd number"));
}

}  // namespace
}  // namespace weir::net
