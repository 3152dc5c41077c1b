#include "health/state_machine.h"

#include "gtest/gtest.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using pool::BackendState;

class StateMachineTest : public testing::Test {
 protected:
  std::optional<StateChange> succeed() {
    clock_.advance(1s);
    return machine_.report_check({.ok = true, .latency = 3ms, .error = {}}, clock_.now());
  }
  std::optional<StateChange> fail(std::string error = "connect: refused") {
    clock_.advance(1s);
    return machine_.report_check({.ok = false, .latency = 1ms, .error = std::move(error)}, clock_.now());
  }
  std::optional<StateChange> fail_traffic(std::uint32_t failures = 1) {
    clock_.advance(1s);
    return machine_.report_traffic_failure(failures, "connect: refused", clock_.now());
  }

  base::ManualClock clock_;
  StateMachine machine_{Thresholds{.healthy = 2, .unhealthy = 3}, clock_.now()};
};

TEST_F(StateMachineTest, IsUnknownBeforeAnyResult) {
  EXPECT_EQ(machine_.state(), BackendState::unknown);
  EXPECT_FALSE(machine_.last_check());
  EXPECT_TRUE(machine_.history().empty());
  EXPECT_FALSE(machine_.is_changing());
  EXPECT_EQ(machine_.since(), clock_.now());
}

TEST_F(StateMachineTest, OneSuccessMakesAnUnknownBackendHealthy) {
  auto change = succeed();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->from, BackendState::unknown);
  EXPECT_EQ(change->to, BackendState::healthy);
  EXPECT_EQ(machine_.state(), BackendState::healthy);
  EXPECT_FALSE(machine_.is_changing());
}

TEST_F(StateMachineTest, OneFailureMakesAnUnknownBackendUnhealthy) {
  auto change = fail();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->to, BackendState::unhealthy);
  EXPECT_EQ(change->reason, "first result is a failure (check): connect: refused");
}

TEST_F(StateMachineTest, AFirstFailureIsFollowedFastUntilTheThresholdIsReached) {
  fail();
  EXPECT_TRUE(machine_.is_changing());
  fail();
  EXPECT_TRUE(machine_.is_changing());
  fail();
  EXPECT_FALSE(machine_.is_changing()) << "three failures in a row: it is down, the usual interval is enough";
}

TEST_F(StateMachineTest, OnlyTheFirstFailureOfAllIsFollowedFast) {
  succeed();
  fail_traffic(3);
  ASSERT_EQ(machine_.state(), BackendState::unhealthy);
  EXPECT_FALSE(machine_.is_changing());
  succeed();
  fail();
  ASSERT_EQ(machine_.state(), BackendState::unhealthy);
  EXPECT_FALSE(machine_.is_changing());
}

TEST_F(StateMachineTest, AHealthyBackendFallsAtTheThresholdAndNotBefore) {
  succeed();
  EXPECT_FALSE(fail());
  EXPECT_TRUE(machine_.is_changing());
  EXPECT_FALSE(fail());
  auto change = fail("status 503, expected 200-299");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->from, BackendState::healthy);
  EXPECT_EQ(change->to, BackendState::unhealthy);
  EXPECT_EQ(change->reason, "3 failures in a row, the last (check): status 503, expected 200-299");
  EXPECT_EQ(change->at, clock_.now());
  EXPECT_EQ(machine_.since(), clock_.now());
  EXPECT_FALSE(machine_.is_changing());
}

TEST_F(StateMachineTest, ASuccessBetweenFailuresStartsTheCountAgain) {
  succeed();
  fail();
  fail();
  succeed();
  EXPECT_FALSE(machine_.is_changing());
  EXPECT_EQ(machine_.consecutive_failures(), 0u);
  EXPECT_FALSE(fail());
  EXPECT_FALSE(fail());
  EXPECT_TRUE(fail());
}

TEST_F(StateMachineTest, AnUnhealthyBackendRisesAtTheThresholdAndNotBefore) {
  fail();
  EXPECT_FALSE(succeed());
  EXPECT_TRUE(machine_.is_changing());
  EXPECT_FALSE(fail());
  EXPECT_FALSE(machine_.is_changing());
  EXPECT_FALSE(succeed());
  auto change = succeed();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->to, BackendState::healthy);
  EXPECT_EQ(change->reason, "2 successful checks in a row");
}

TEST_F(StateMachineTest, FailuresOfTrafficCountLikeFailedChecks) {
  succeed();
  EXPECT_FALSE(fail_traffic());
  EXPECT_TRUE(machine_.is_changing());
  EXPECT_FALSE(fail());
  EXPECT_EQ(machine_.consecutive_failures(), 2u);
  auto change = fail_traffic();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->reason, "3 failures in a row, the last (traffic): connect: refused");
}

TEST_F(StateMachineTest, ManyFailuresOfTrafficAtOnceAreOneChange) {
  succeed();
  EXPECT_TRUE(fail_traffic(1000));
  EXPECT_EQ(machine_.consecutive_failures(), 1000u);
  EXPECT_FALSE(fail_traffic(UINT32_MAX));
  EXPECT_EQ(machine_.consecutive_failures(), UINT32_MAX);
}

TEST_F(StateMachineTest, AFailureOfTrafficInterruptsTheRise) {
  fail();
  succeed();
  fail_traffic();
  EXPECT_FALSE(succeed());
  EXPECT_TRUE(succeed());
}

TEST_F(StateMachineTest, FailuresOfTrafficAreNoChecks) {
  fail_traffic();
  EXPECT_EQ(machine_.state(), BackendState::unhealthy);
  EXPECT_FALSE(machine_.last_check());
}

TEST_F(StateMachineTest, RemembersTheLastCheck) {
  fail("timeout after 2 s waiting for the response header");
  ASSERT_TRUE(machine_.last_check());
  EXPECT_EQ(machine_.last_check()->at, clock_.now());
  EXPECT_FALSE(machine_.last_check()->result.ok);
  EXPECT_EQ(machine_.last_check()->result.latency, 1ms);
  EXPECT_EQ(machine_.last_check()->result.error, "timeout after 2 s waiting for the response header");
  succeed();
  EXPECT_TRUE(machine_.last_check()->result.ok);
}

TEST_F(StateMachineTest, KeepsTheNewestChangesOnly) {
  for (int i = 0; i < 20; ++i) {
    succeed();
    succeed();
    for (int j = 0; j < 3; ++j) fail();
  }
  ASSERT_EQ(machine_.history().size(), StateMachine::kHistoryLimit);
  EXPECT_EQ(machine_.history().back().to, BackendState::unhealthy);
  EXPECT_EQ(machine_.history().back().at, clock_.now());
  for (std::size_t i = 1; i < machine_.history().size(); ++i) {
    EXPECT_LT(machine_.history()[i - 1].at, machine_.history()[i].at);
    EXPECT_EQ(machine_.history()[i - 1].to, machine_.history()[i].from);
  }
}

TEST_F(StateMachineTest, ThresholdsOfZeroCountAsOne) {
  StateMachine machine({.healthy = 0, .unhealthy = 0}, clock_.now());
  machine.report_check({.ok = true, .latency = 0ms, .error = {}}, clock_.now());
  EXPECT_TRUE(machine.report_check({.ok = false, .latency = 0ms, .error = "x"}, clock_.now()));
  EXPECT_TRUE(machine.report_check({.ok = true, .latency = 0ms, .error = {}}, clock_.now()));
}

TEST_F(StateMachineTest, LowerThresholdsHoldFromTheNextResultOn) {
  succeed();
  fail();
  machine_.set_thresholds({.healthy = 1, .unhealthy = 2});
  EXPECT_EQ(machine_.state(), BackendState::healthy);
  EXPECT_TRUE(fail());
  EXPECT_TRUE(succeed());
}

TEST_F(StateMachineTest, CanBeAssumedHealthyWithoutChecks) {
  auto change = machine_.assume(BackendState::healthy, "health checks are off", clock_.now());
  ASSERT_TRUE(change);
  EXPECT_EQ(change->to, BackendState::healthy);
  EXPECT_EQ(change->reason, "health checks are off");
  fail();
  EXPECT_FALSE(machine_.assume(BackendState::healthy, "health checks are off", clock_.now()));
  EXPECT_FALSE(machine_.is_changing());
  EXPECT_EQ(machine_.consecutive_failures(), 0u);
}

}  // namespace
}  // namespace weir::health
