#include "exchange/pace.h"

#include "gtest/gtest.h"

namespace weir::exchange {
namespace {

using namespace std::chrono_literals;

constexpr base::Nanoseconds kGrace = 40ms;

class PaceTest : public testing::Test, protected PaceOwner {
 protected:
  PaceTest() {
    reactor_.adopt_thread();
    reactor_.run_once(base::now());
  }
  std::uint64_t moved(Direction) override { return ++asked_ * bytes_a_look_; }
  void too_slow(Direction direction) override {
    EXPECT_EQ(direction, Direction::request);
    EXPECT_FALSE(told_);
    told_ = true;
  }
  void run_until(auto holds) {
    auto give_up = base::now() + 20s;
    while (!holds() && base::now() < give_up) reactor_.run_once(base::now() + 5ms);
  }
  void run_for(base::Nanoseconds time) {
    auto end = base::now() + time;
    run_until([&] { return base::now() >= end; });
  }

  net::Reactor reactor_;
  std::uint64_t bytes_a_look_ = 0;
  std::uint64_t asked_ = 0;
  bool told_ = false;
};

TEST_F(PaceTest, AClientThatMovesNothingWhileItIsWaitedForIsTooSlow) {
  Pace pace;
  pace.watch(*this, Direction::request, 240, kGrace);
  base::TimePoint begin = reactor_.now();
  pace.wait_begins();
  run_until([&] { return told_; });
  EXPECT_TRUE(told_);
  EXPECT_GE(reactor_.now() - begin, kGrace);
  run_for(3 * kGrace);  // and is told once
}

TEST_F(PaceTest, AClientThatMovesEnoughGoesOn) {
  bytes_a_look_ = 1'000'000'000;  // a look late by minutes would still find the rate kept
  Pace pace;
  pace.watch(*this, Direction::request, 240, kGrace);
  pace.wait_begins();
  run_until([&] { return asked_ >= 6; });
  EXPECT_GE(asked_, 6u);
  EXPECT_FALSE(told_);
}

TEST_F(PaceTest, OneByteNowAndThenIsTooSlow) {
  bytes_a_look_ = 1;
  Pace pace;
  pace.watch(*this, Direction::request, 240, kGrace);
  pace.wait_begins();
  run_until([&] { return told_; });
  EXPECT_TRUE(told_);
}

TEST_F(PaceTest, TimeInWhichNobodyWaitsForTheClientDoesNotCount) {
  Pace pace;
  pace.watch(*this, Direction::request, 240, kGrace);
  for (int i = 0; i < 10; ++i) {
    pace.wait_begins();
    pace.wait_ends();
    run_for(kGrace);
  }
  EXPECT_EQ(asked_, 0u);
  EXPECT_FALSE(told_);
}

TEST_F(PaceTest, ManyShortWaitsCountTogether) {
  Pace pace;
  pace.watch(*this, Direction::request, 240, kGrace);
  run_until([&] {
    pace.wait_begins();
    reactor_.run_once(base::now() + 3ms);
    pace.wait_ends();
    return told_;
  });
  EXPECT_TRUE(told_);
}

TEST_F(PaceTest, ARateOfZeroMeasuresNothing) {
  Pace pace;
  pace.watch(*this, Direction::request, 0, kGrace);
  pace.wait_begins();
  run_for(4 * kGrace);
  EXPECT_EQ(asked_, 0u);
}

}  // namespace
}  // namespace weir::exchange
