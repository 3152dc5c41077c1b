#include "base/cell_rate.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1000 * kSecond;

int admitted(const CellRate& rate, std::atomic<std::int64_t>& due, std::int64_t now, int tries = 1000) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += rate.admit(due, now);
  return count;
}

TEST(CellRate, AdmitsABurstAtOnceAndThenInStepWithTheRate) {
  CellRate rate(10, 4);
  std::atomic<std::int64_t> due{0};
  EXPECT_EQ(admitted(rate, due, kNow), 4);
  EXPECT_EQ(admitted(rate, due, kNow + kSecond / 20), 0);
  EXPECT_EQ(admitted(rate, due, kNow + kSecond / 10), 1);
  EXPECT_EQ(admitted(rate, due, kNow + kSecond / 2), 4) << "what was not used is saved up to a burst";
}

TEST(CellRate, SavesNoMoreThanABurst) {
  CellRate rate(100, 7);
  std::atomic<std::int64_t> due{0};
  EXPECT_EQ(admitted(rate, due, kNow), 7);
  EXPECT_EQ(admitted(rate, due, kNow + 100 * kSecond), 7);
}

TEST(CellRate, AdmitsOneByOneWithABurstOfOne) {
  CellRate rate(1, 1);
  std::atomic<std::int64_t> due{0};
  EXPECT_EQ(admitted(rate, due, kNow), 1);
  EXPECT_EQ(admitted(rate, due, kNow + kSecond - 1), 0);
  EXPECT_EQ(admitted(rate, due, kNow + kSecond), 1);
}

TEST(CellRate, NeverAdmitsMoreToSeveralThreads) {
  CellRate rate(1000, 300);
  std::atomic<std::int64_t> due{0};
  std::atomic<int> total{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { total += admitted(rate, due, kNow); });
  }
  EXPECT_EQ(total, 300);
}

}  // namespace
}  // namespace weir::base
