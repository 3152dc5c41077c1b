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

}  // namespace
}  // namespace weir::pool
