#include "http2/resets.h"

#include "gtest/gtest.h"

namespace weir::http2 {
namespace {

constexpr base::TimePoint kStart{std::chrono::seconds(100)};

TEST(Resets, FramesBehindAResetOfThePeerAreAnsweredOnceAGrace) {
  Resets resets;
  resets.received(3);
  EXPECT_EQ(resets.judge(3, kStart), LateFrame::of_reset);
  resets.sent(3, kStart);
  EXPECT_EQ(resets.judge(3, kStart), LateFrame::in_flight);
  EXPECT_EQ(resets.judge(3, kStart + Resets::kGrace), LateFrame::of_reset);
  EXPECT_EQ(resets.judge(5, kStart), LateFrame::of_ended);
}

TEST(Resets, FramesForStreamsOlderThanWhatIsRememberedAreIgnored) {
  Resets resets;
  constexpr std::int32_t kStreams = Resets::kKept + 1;
  for (std::int32_t i = 0; i < kStreams; ++i) resets.received(2 * i + 1);
  EXPECT_EQ(resets.judge(1, kStart), LateFrame::in_flight);
  EXPECT_EQ(resets.judge(3, kStart), LateFrame::of_reset);
}

TEST(Resets, AStreamThatIsResetAgainTakesNoOthersPlace) {
  Resets resets;
  resets.received(1);
  for (std::size_t i = 0; i < 2 * Resets::kKept; ++i) resets.sent(3, kStart);
  EXPECT_EQ(resets.judge(1, kStart), LateFrame::of_reset);
}

}  // namespace
}  // namespace weir::http2
