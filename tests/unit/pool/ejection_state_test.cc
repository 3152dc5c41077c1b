#include "pool/ejection_state.h"

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = EjectionState::Phase;

constexpr base::TimePoint kNow{std::chrono::hours(1)};
constexpr EjectionState kOut = EjectionState().ejected(kNow, kNow + seconds(1));

TEST(EjectionState, BeginsIn) {
  EXPECT_TRUE(EjectionState().is_in());
  EXPECT_EQ(EjectionState().phase(), Phase::in);
  EXPECT_EQ(EjectionState().count(kNow), 0u);
}

TEST(EjectionState, GoesRoundByItsTransitions) {
  EXPECT_EQ(kOut.phase(), Phase::ejected);
  EXPECT_EQ(kOut.when(), kNow + seconds(1));
  EXPECT_FALSE(kOut.is_in());
  EjectionState half_open = kOut.half_open(kNow + seconds(2));
  EXPECT_EQ(half_open.phase(), Phase::half_open);
  EXPECT_EQ(half_open.when(), kNow + seconds(2));
  EjectionState trial = half_open.trial(kNow + seconds(3));
  EXPECT_EQ(trial.phase(), Phase::trial);
  EXPECT_EQ(trial.in(kNow + seconds(4)).phase(), Phase::in);
  EXPECT_EQ(trial.abandoned().phase(), Phase::half_open);
  EXPECT_EQ(trial.abandoned().when(), kNow + seconds(3));
}

TEST(EjectionState, CountsEjectionsInARowAndForgivesOneForEachTenSecondsIn) {
  EjectionState state;
  base::TimePoint now = kNow;
  for (std::uint32_t row = 1; row <= 3; ++row) {
    state = state.ejected(now, now + seconds(1));
    EXPECT_EQ(state.count(now), row);
    state = state.half_open(now + seconds(100)).trial(now + seconds(200));
    EXPECT_EQ(state.count(now + seconds(1000)), row) << "nothing is forgiven while it is out";
    now += seconds(300);
    state = state.in(now);
  }
  EXPECT_EQ(state.count(now + milliseconds(9999)), 3u);
  EXPECT_EQ(state.count(now + seconds(10)), 2u);
  EXPECT_EQ(state.ejected(now + seconds(10), now + seconds(11)).count(now), 3u);
  EXPECT_EQ(state.count(now + seconds(29)), 1u);
  EXPECT_EQ(state.count(now + seconds(1000)), 0u);
  EXPECT_EQ(state.readmitted(now).count(now), 0u);
}

TEST(EjectionState, CountsToItsEndAndNoFurther) {
  EjectionState state;
  for (int i = 0; i < 100; ++i) state = state.ejected(kNow, kNow).half_open(kNow).trial(kNow);
  EXPECT_EQ(state.count(kNow), 63u);
  EXPECT_EQ(state.phase(), Phase::trial);
}

TEST(EjectionState, IsAnotherOneAfterEachChange) {
  EjectionState trial = kOut.half_open(kNow).trial(kNow);
  EXPECT_NE(trial.abandoned().trial(kNow), trial) << "the same trial at the same time, once more";
  EjectionState state = kOut;
  for (int i = 0; i < 70'000; ++i) state = state.half_open(kNow);
  EXPECT_EQ(state.phase(), Phase::half_open) << "serials begin anew without touching the rest";
  EXPECT_EQ(state.count(kNow), 1u);
}

TEST(EjectionTime, DoublesUpToTheLongest) {
  auto time = [](std::uint32_t count) { return ejection_time(count, seconds(1), seconds(60), 0.5); };
  EXPECT_EQ(time(1), seconds(1));
  EXPECT_EQ(time(2), seconds(2));
  EXPECT_EQ(time(6), seconds(32));
  EXPECT_EQ(time(7), seconds(60));
  EXPECT_EQ(time(63), seconds(60));
}

TEST(EjectionTime, IsSpreadByAFifth) {
  EXPECT_EQ(ejection_time(1, seconds(10), seconds(60), 0), seconds(8));
  EXPECT_LE(ejection_time(1, seconds(10), seconds(60), 1), seconds(12));
}

}  // namespace
}  // namespace weir::pool
