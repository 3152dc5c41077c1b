#include "health/failure_reports.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::health {
namespace {

TEST(FailureReport, AsksForAttentionOnceUntilClosed) {
  FailureReport report;
  EXPECT_TRUE(report.add({.code = base::ErrorCode::refused, .what = "connect"}));
  EXPECT_FALSE(report.add({.code = base::ErrorCode::timeout, .what = "connect"}));
  EXPECT_EQ(report.take(), 2u);
  EXPECT_EQ(report.error().code, base::ErrorCode::timeout);
  EXPECT_EQ(report.take(), 0u);
  EXPECT_TRUE(report.close());
  EXPECT_TRUE(report.add({.code = base::ErrorCode::refused, .what = "connect"}));
}

TEST(FailureReport, DoesNotCloseOverAFailureThatCameMeanwhile) {
  FailureReport report;
  EXPECT_TRUE(report.add({.code = base::ErrorCode::refused, .what = "connect"}));
  EXPECT_EQ(report.take(), 1u);
  EXPECT_FALSE(report.add({.code = base::ErrorCode::refused, .what = "connect"}));
  EXPECT_FALSE(report.close());
  EXPECT_EQ(report.take(), 1u);
  EXPECT_TRUE(report.close());
}

TEST(FailureReport, LosesNoFailureBetweenThreads) {
  constexpr std::uint32_t kThreads = 4, kEach = 20'000;
  FailureReport report;
  std::atomic<std::uint32_t> calls{0}, taken{0};
  std::mutex following;  // stands for the health thread: one follower at a time
  std::vector<std::thread> workers;
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    workers.emplace_back([&] {
      for (std::uint32_t i = 0; i < kEach; ++i) {
        if (!report.add({.code = base::ErrorCode::refused, .what = "connect"})) continue;
        std::lock_guard lock(following);
        ++calls;
        do {
          taken += report.take();
        } while (!report.close());
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(taken.load(), kThreads * kEach);
  EXPECT_GT(calls.load(), 0u);
}

TEST(FailureReports, HaveAPlaceForEverySlotThatWasMadeAndNoOther) {
  FailureReports reports;
  EXPECT_EQ(reports.find(0), nullptr);
  reports.make(5);
  ASSERT_NE(reports.find(5), nullptr);
  EXPECT_NE(reports.find(5), reports.find(6));
  FailureReport* before = reports.find(5);
  reports.make(5);
  reports.make(FailureReports::kBlock * 3);
  EXPECT_EQ(reports.find(5), before);
  EXPECT_EQ(reports.find(FailureReports::kBlock * 2), nullptr);
  EXPECT_NE(reports.find(FailureReports::kBlock * 3), nullptr);
  reports.make(FailureReports::kSlots);
  EXPECT_EQ(reports.find(FailureReports::kSlots), nullptr);
  EXPECT_EQ(reports.find(UINT32_MAX), nullptr);
}

}  // namespace
}  // namespace weir::health
