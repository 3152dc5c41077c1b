#include "health/simultaneous_failures.h"

#include "gtest/gtest.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;

constexpr base::TimePoint kStart{1h};
constexpr base::Nanoseconds kWindow = 5s;

class SimultaneousFailuresTest : public testing::Test {
 protected:
  SimultaneousFailuresTest() {
    for (std::uint32_t slot : {0u, 1u, 2u}) all_.succeeded("site", slot, true);
  }
  std::optional<Suspicion> fail(std::uint32_t slot, base::Nanoseconds at, bool was_healthy = true) {
    return all_.failed("site", slot, was_healthy, kWindow, kStart + at);
  }
  SimultaneousFailures all_;
};

TEST_F(SimultaneousFailuresTest, AllWithinOneIntervalAreSuspiciousOnce) {
  EXPECT_FALSE(fail(0, 0s));
  EXPECT_FALSE(fail(1, 1s));
  std::optional<Suspicion> suspicion = fail(2, 4s);
  ASSERT_TRUE(suspicion);
  EXPECT_EQ(suspicion->pool, "site");
  EXPECT_EQ(suspicion->failing, 3u);
  EXPECT_EQ(suspicion->backends, 3u);
  EXPECT_FALSE(fail(2, 5s)) << "the same row of failures";
}

TEST_F(SimultaneousFailuresTest, OneThatGoesOnWellIsEnough) {
  fail(0, 0s);
  fail(1, 0s);
  all_.succeeded("site", 2, true);
  EXPECT_FALSE(fail(0, 1s));
}

TEST_F(SimultaneousFailuresTest, ThoseThatFailedLongBeforeWereNotHealthy) {
  fail(0, 0s);
  EXPECT_FALSE(fail(1, 10s));
  std::optional<Suspicion> suspicion = fail(2, 12s);
  ASSERT_TRUE(suspicion);
  EXPECT_EQ(suspicion->failing, 2u);
  EXPECT_EQ(suspicion->backends, 3u);
}

TEST_F(SimultaneousFailuresTest, OneBackendAloneIsNotSuspicious) {
  fail(0, 0s);
  fail(1, 10s);
  EXPECT_FALSE(fail(2, 20s));
  all_.succeeded("other", 9, true);
  EXPECT_FALSE(all_.failed("other", 9, true, kWindow, kStart));
}

TEST_F(SimultaneousFailuresTest, IsReportedAgainAfterOneWasGood) {
  fail(0, 0s);
  fail(1, 0s);
  EXPECT_TRUE(fail(2, 0s));
  for (std::uint32_t slot : {0u, 1u, 2u}) all_.succeeded("site", slot, true);
  fail(0, 60s);
  fail(1, 60s);
  EXPECT_TRUE(fail(2, 60s));
}

TEST_F(SimultaneousFailuresTest, BackendsThatGoDoNotCount) {
  fail(0, 0s);
  all_.forget("site", 2);
  std::optional<Suspicion> suspicion = fail(1, 0s);
  ASSERT_TRUE(suspicion);
  EXPECT_EQ(suspicion->backends, 2u);
}

TEST_F(SimultaneousFailuresTest, ABackendThatWasUnhealthyBeforeSaysNothing) {
  fail(0, 0s);
  all_.succeeded("site", 1, false);
  EXPECT_FALSE(fail(1, 1s, false));
  std::optional<Suspicion> suspicion = fail(2, 1s);
  ASSERT_TRUE(suspicion);
  EXPECT_EQ(suspicion->failing, 2u);
}

}  // namespace
}  // namespace weir::health
