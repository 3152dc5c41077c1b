#include "pool/eligibility.h"

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

using enum BackendState;
using Indexes = std::vector<std::uint32_t>;

Eligibility of(std::vector<BackendState> states, std::uint32_t min_healthy) {
  std::vector<Candidate> candidates;
  for (BackendState state : states) candidates.push_back({.state = state});
  return eligible(candidates, min_healthy);
}

void expect(const Eligibility& result, const Indexes& indexes, bool degraded) {
  EXPECT_EQ(result.indexes, indexes);
  EXPECT_EQ(result.degraded, degraded);
}

TEST(Eligibility, IsForTheHealthyAndTheUnknown) {
  expect(of({healthy, unhealthy, unknown, draining, disabled, healthy}, 0), {0, 2, 5}, false);
}

TEST(Eligibility, IsForNobodyInAnEmptyPool) {
  expect(of({}, 0), {}, false);
  expect(of({}, 5), {}, false);
}

TEST(Eligibility, IncludesWhoseNameIsLookedUpForTheFirstTimeOnlyWhenThereIsNothingElse) {
  Candidate resolved{.state = healthy}, pending{.state = unknown, .has_address = false, .is_pending = true};
  Candidate lost{.state = unknown, .has_address = false}, down{.state = unhealthy, .has_address = false};
  down.is_pending = true;
  expect(eligible(std::vector{pending, lost, down, pending}, 0), {0, 3}, false);
  expect(eligible(std::vector{pending, resolved}, 0), {1}, false);
}

TEST(Eligibility, EndsWithTheLastHealthyOneUnlessAMinimumIsSet) { expect(of({unhealthy, draining}, 0), {}, false); }

TEST(Eligibility, ReturnsToAllUnhealthyOnesBelowTheMinimum) {
  expect(of({healthy, unhealthy, unhealthy, draining}, 2), {0, 1, 2}, true);
}

TEST(Eligibility, KeepsAPoolWhoseBackendsAllFailAtOnceWhenAMinimumIsSet) {
  expect(of({unhealthy, unhealthy, unhealthy}, 1), {0, 1, 2}, true);
}

TEST(Eligibility, IsForThoseThatAreNotReadyBeforeTheUnhealthy) {
  expect(of({healthy, not_ready, unhealthy}, 0), {0}, false);
  expect(of({healthy, not_ready, unhealthy}, 2), {0, 1}, true);
  expect(of({healthy, not_ready, unhealthy}, 3), {0, 1, 2}, true);
  std::vector<Candidate> candidates{{.state = not_ready}};
  EXPECT_EQ(why_none_is_eligible(candidates), "none of 1 backend takes requests: 1 not ready");
}

TEST(Eligibility, NeedsNoneOfThemAtTheMinimum) { expect(of({healthy, healthy, unhealthy}, 2), {0, 1}, false); }

TEST(Eligibility, ReturnsToDrainingOnesLast) {
  expect(of({unhealthy, draining, draining}, 1), {0}, true);
  expect(of({unhealthy, draining, draining}, 2), {0, 1, 2}, true);
  expect(of({draining}, 1), {0}, true);
}

TEST(Eligibility, IsNeverForTheDisabled) { expect(of({disabled, disabled}, 2), {}, false); }

TEST(Eligibility, CountsTheUnknownAsHealthy) { expect(of({unknown, unhealthy}, 1), {0}, false); }

TEST(Eligibility, IsNotDegradedWhenThereIsNobodyElseToUse) { expect(of({healthy, disabled}, 5), {0}, false); }

TEST(Eligibility, SaysInNumbersWhyNobodyTakesWork) {
  std::vector<Candidate> candidates{{.state = unhealthy}, {.state = disabled}};
  EXPECT_EQ(why_none_is_eligible(candidates), "none of 2 backends takes requests: 1 unhealthy, 1 disabled");
  candidates = {{.state = healthy, .weight = 0}, {.state = unhealthy}, {.state = unhealthy}, {.has_address = false}};
  EXPECT_EQ(why_none_is_eligible(candidates),
            "none of 4 backends takes requests: 2 unhealthy, 1 of weight 0, 1 whose name does not resolve");
  EXPECT_EQ(why_none_is_eligible({}), "the pool has no backends");
}

TEST(Eligibility, IsNotForWeightZeroNorForANameWithoutAddress) {
  std::vector<Candidate> candidates{{.state = healthy, .weight = 0},
                                    {.state = healthy, .has_address = false},
                                    {.state = unhealthy},
                                    {.state = unhealthy, .weight = 0},
                                    {.state = draining, .has_address = false}};
  expect(eligible(candidates, 0), {}, false);
  expect(eligible(candidates, 5), {2}, true);
}

constexpr base::TimePoint kNow{std::chrono::hours(1)};

// Ejected for so many seconds.
Candidate out(int seconds, BackendState state = healthy) {
  return {.state = state, .ejection = EjectionState().ejected(kNow, kNow + std::chrono::seconds(seconds))};
}
Candidate half_open() { return {.state = healthy, .ejection = EjectionState().ejected(kNow, kNow).half_open(kNow)}; }
const Candidate kIn{.state = healthy};

// What is left of the candidates when at most `share` of them may be out.
Indexes left(std::vector<Candidate> candidates, double share, std::uint32_t limit) {
  EXPECT_EQ(limit_ejections(candidates, share).out, limit);
  return eligible(candidates, 0).indexes;
}

TEST(Ejections, AreOutOfTheSet) {
  EXPECT_EQ(left({kIn, out(1), kIn, kIn}, 0.5, 2), (Indexes{0, 2, 3}));
  EXPECT_EQ(left({kIn, half_open(), kIn, kIn}, 0.5, 2), (Indexes{0, 2, 3})) << "it waits for its trial";
}

TEST(Ejections, ThatWaitForTheirTrialAreInAListOfTheirOwn) {
  Candidate in_trial = half_open(), unhealthy_one = half_open(), drained = half_open();
  in_trial.ejection = in_trial.ejection.trial(kNow);
  unhealthy_one.state = unhealthy;
  drained.state = draining;
  std::vector<Candidate> candidates{kIn, half_open(), out(1), in_trial, unhealthy_one, drained};
  EXPECT_EQ(eligible(candidates, 0).trials, (Indexes{1, 3}));
  EXPECT_EQ(eligible(candidates, 0).indexes, (Indexes{0}));
  EXPECT_EQ(eligible(candidates, 3).trials, Indexes{}) << "they are used like unhealthy ones";
}

TEST(Ejections, KeepAHalfOpenBackendInUseForWantOfOthers) {
  std::vector<Candidate> candidates{half_open(), out(5)};
  EXPECT_EQ(left(candidates, 1, 1), (Indexes{0}));
}

TEST(Ejections, OfWhatGetsNoWorkAnywayHoldNoPlace) {
  Candidate no_weight = out(5);
  no_weight.weight = 0;
  EXPECT_EQ(left({out(1), out(9, draining), out(9, disabled), out(9, unhealthy), no_weight, kIn, kIn, kIn}, 0.2, 1),
            (Indexes{5, 6, 7}));
  EXPECT_FALSE(is_fit(no_weight));
}

TEST(Ejections, AreNoneWhereNoneIsWanted) {
  std::vector<Candidate> candidates{kIn, kIn};
  EXPECT_FALSE(limit_ejections(candidates, 0).ejects);
  EXPECT_EQ(limit_ejections(candidates, 0).out, 0u);
  EXPECT_TRUE(limit_ejections(candidates, 0.1).ejects);
}

TEST(Ejections, ReachTheShareOfThePoolRoundedDown) {
  EXPECT_EQ(left({kIn, kIn, kIn}, 0.5, 1), (Indexes{0, 1, 2}));
  EXPECT_EQ(left({kIn, kIn}, 0.1, 1), (Indexes{0, 1})) << "one of two in any case";
  EXPECT_EQ(left({kIn}, 1, 0), (Indexes{0})) << "the only one never";
  EXPECT_EQ(left({kIn, kIn, kIn}, 1, 2), (Indexes{0, 1, 2})) << "nor the last one";
}

TEST(Ejections, LetThoseInWhoseTimeEndsFirstWhereOthersHaveEjectedTooMany) {
  EXPECT_EQ(left({out(9), out(5), out(7), kIn}, 0.5, 2), (Indexes{1, 3}));
}

TEST(Ejections, NeverTakeTheLastOneThatIsHealthy) {
  EXPECT_EQ(left({out(9), {.state = unhealthy}}, 0.5, 0), (Indexes{0}));
  EXPECT_EQ(left({out(9), out(3)}, 1, 1), (Indexes{1}));
  EXPECT_EQ(left({kIn, {.state = unhealthy}, {.state = disabled}}, 1, 0), (Indexes{0}));
}

TEST(Ejections, DoNotCountWhatTakesNoWorkByAnOperatorsWord) {
  EXPECT_EQ(left({kIn, kIn, {.state = disabled}, {.state = draining}}, 0.5, 1), (Indexes{0, 1}));
}

TEST(Ejections, OfAnOperatorGoOverTheShare) {
  Candidate by_operator = out(5), also = out(6);
  by_operator.by_operator = also.by_operator = true;
  EXPECT_EQ(left({by_operator, also, kIn}, 0.1, 2), (Indexes{2}));
}

TEST(Ejections, YieldToMinHealthyLikeUnhealthyBackends) {
  std::vector<Candidate> candidates{kIn, out(5), {.state = unhealthy}, {.state = draining}};
  expect(eligible(candidates, 2), {0, 1, 2}, true);
  expect(eligible(candidates, 1), {0}, false);
}

}  // namespace
}  // namespace weir::pool
