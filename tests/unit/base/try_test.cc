#include "base/try.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "base/error.h"

namespace weir::base {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::protocol, "an odd number");
  return number / 2;
}

Result<int> quarter(int number) {
  WEIR_TRY_TO(int first, half(number));
  WEIR_TRY_TO(int second, half(first));
  return second;
}

Result<std::string> checked(int number, int& steps) {
  ++steps;
  WEIR_TRY(half(number));
  ++steps;
  return std::to_string(number);
}

TEST(Try, GoesOnWithTheValue) {
  EXPECT_EQ(quarter(12), 3);
  int steps = 0;
  EXPECT_EQ(checked(4, steps), "4");
  EXPECT_EQ(steps, 2);
}

TEST(Try, ReturnsTheErrorUnchangedFromWhereItHappens) {
  EXPECT_EQ(quarter(6).error().what, std::string("an odd number"));
  EXPECT_EQ(quarter(5).error().code, ErrorCode::protocol);
  int steps = 0;
  EXPECT_FALSE(checked(3, steps).has_value());
  EXPECT_EQ(steps, 1);
}

std::expected<std::unique_ptr<int>, std::string> made(bool good) {
  if (!good) return std::unexpected("nothing was made");
  return std::make_unique<int>(7);
}

std::expected<void, std::string> take(bool good, std::unique_ptr<int>& into) {
  WEIR_TRY_TO(into, made(good));
  return {};
}

TEST(Try, MovesValuesAndErrorsOfAnyType) {
  std::unique_ptr<int> taken;
  EXPECT_TRUE(take(true, taken).has_value());
  EXPECT_EQ(*taken, 7);
  EXPECT_EQ(take(false, taken).error(), "nothing was made");
}

}  // namespace
}  // namespace weir::base
