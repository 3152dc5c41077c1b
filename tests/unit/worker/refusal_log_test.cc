#include "worker/refusal_log.h"

#include "gtest/gtest.h"

namespace weir::worker {
namespace {

constexpr base::TimePoint kStart{std::chrono::hours(1)};

TEST(RefusalLog, WritesABurstAndThenOneLineForEveryStep) {
  RefusalLog log;
  for (int i = 0; i < RefusalLog::kBurst; ++i) EXPECT_EQ(log.take_line(Refusal::denied, kStart), 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(log.take_line(Refusal::denied, kStart));
  base::TimePoint later = kStart + RefusalLog::kEvery;
  EXPECT_EQ(log.take_line(Refusal::denied, later), 1000u) << "and says how many were left out";
  EXPECT_FALSE(log.take_line(Refusal::denied, later));
  EXPECT_EQ(log.take_line(Refusal::denied, later + RefusalLog::kEvery), 1u);
}

TEST(RefusalLog, HasABurstAgainAfterAQuietTime) {
  RefusalLog log;
  while (log.take_line(Refusal::rate, kStart)) continue;
  base::TimePoint later = kStart + RefusalLog::kBurst * RefusalLog::kEvery;
  int lines = 0;
  while (log.take_line(Refusal::rate, later)) ++lines;
  EXPECT_EQ(lines, RefusalLog::kBurst);
}

TEST(RefusalLog, BoundsEachReasonByItself) {
  RefusalLog log;
  while (log.take_line(Refusal::denied, kStart)) continue;
  EXPECT_TRUE(log.take_line(Refusal::client_rate, kStart));
}

TEST(Refusal, HasANameAndAKeyForEachReason) {
  for (std::size_t i = 1; i < kRefusals; ++i) {
    EXPECT_STRNE(name(Refusal(i)), "");
    EXPECT_STRNE(key_of(Refusal(i)), "");
  }
}

}  // namespace
}  // namespace weir::worker
