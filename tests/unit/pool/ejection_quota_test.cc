#include "pool/ejection_quota.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

TEST(EjectionQuota, ASharePermitsOneOfTwoAndNoneOfOne) {
  EXPECT_EQ(may_be_ejected(0, 0.5), 0u);
  EXPECT_EQ(may_be_ejected(1, 1), 0u);
  EXPECT_EQ(may_be_ejected(2, 0.1), 1u);
  EXPECT_EQ(may_be_ejected(3, 0.5), 1u);
  EXPECT_EQ(may_be_ejected(9, 0.1), 1u);
  EXPECT_EQ(may_be_ejected(10, 0.5), 5u);
  EXPECT_EQ(may_be_ejected(10, 1), 10u);
  EXPECT_EQ(may_be_ejected(10, 0), 0u) << "none at all";
}

TEST(EjectionQuota, CountsWhatItPreventsByReason) {
  EjectionQuota quota;
  quota.set_limit(1);
  EXPECT_TRUE(quota.take(EjectionReason::status));
  EXPECT_FALSE(quota.take(EjectionReason::latency));
  EXPECT_FALSE(quota.take(EjectionReason::status));
  EXPECT_EQ(quota.prevented(EjectionReason::latency), 1u);
  EXPECT_EQ(quota.prevented(EjectionReason::status), 1u);
  quota.give_back();
  EXPECT_TRUE(quota.take(EjectionReason::status));
}

TEST(EjectionQuota, PreventsNothingWhereNoneIsEverEjected) {
  EjectionQuota quota;
  quota.set_limit(0, false);
  EXPECT_FALSE(quota.take(EjectionReason::status));
  EXPECT_EQ(quota.prevented(EjectionReason::status), 0u);
  quota.set_limit(0);
  EXPECT_FALSE(quota.take(EjectionReason::status, false));
  EXPECT_EQ(quota.prevented(EjectionReason::status), 0u) << "it was counted before";
}

TEST(EjectionQuota, OthersMayGoOverTheLimitAndThenNobodyElseMay) {
  EjectionQuota quota;
  quota.set_limit(1);
  quota.take_anyway();
  quota.take_anyway();
  EXPECT_EQ(quota.taken(), 2u);
  quota.give_back();
  EXPECT_FALSE(quota.take(EjectionReason::status));
}

// Under ThreadSanitizer as well.
TEST(EjectionQuota, HoldsWhileManyThreadsEjectAtOnce) {
  EjectionQuota quota;
  quota.set_limit(3);
  std::atomic<int> out{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20'000; ++round) {
        if (!quota.take(EjectionReason::status)) continue;
        int now = ++out;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        --out;
        quota.give_back();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_EQ(quota.taken(), 0u);
}

}  // namespace
}  // namespace weir::pool
