#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

#include "balance/latency.h"
#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr std::string_view kName = "least_response_time";
const base::TimePoint kStart{std::chrono::hours(1)};
constexpr double kMillisecond = 1e6;

TEST(LatencyEstimate, IsMissingAtFirst) {
  LatencyEstimate none;
  EXPECT_FALSE(none.exists());
  EXPECT_EQ(none.at(kStart), 0);
}

TEST(LatencyEstimate, BeginsWithTheFirstLatency) {
  LatencyEstimate estimate = LatencyEstimate().after(milliseconds(20), kStart);
  EXPECT_NEAR(estimate.at(kStart), 20 * kMillisecond, 1e3);
}

TEST(LatencyEstimate, RisesAtOnceAndFallsSlowly) {
  LatencyEstimate estimate = LatencyEstimate().after(milliseconds(20), kStart);
  estimate = estimate.after(milliseconds(500), kStart);
  EXPECT_NEAR(estimate.at(kStart), 500 * kMillisecond, 1e4);
  estimate = estimate.after(milliseconds(20), kStart + seconds(1));
  double kept = std::exp(-0.1);
  EXPECT_NEAR(estimate.at(kStart + seconds(1)), (500 * kept + 20 * (1 - kept)) * kMillisecond, 1e4);
}

TEST(LatencyEstimate, DecaysByAFactorOfEInTenSeconds) {
  LatencyEstimate estimate = LatencyEstimate().after(seconds(1), kStart);
  EXPECT_NEAR(estimate.at(kStart + seconds(10)), 1e9 / std::exp(1.0), 1e4);
}

TEST(LatencyEstimate, ConvergesToASteadyLatency) {
  LatencyEstimate estimate = LatencyEstimate().after(seconds(1), kStart);
  for (int i = 1; i <= 10'000; ++i) estimate = estimate.after(milliseconds(5), kStart + milliseconds(20) * i);
  EXPECT_NEAR(estimate.at(kStart + seconds(200)), 5 * kMillisecond, 1e5);
}

TEST(LatencyEstimate, CountsAFailureAsASlowResponse) {
  EXPECT_NEAR(LatencyEstimate().after_failure(kStart).at(kStart), 1e9, 1e4);
  LatencyEstimate slow = LatencyEstimate().after(seconds(3), kStart);
  EXPECT_NEAR(slow.after_failure(kStart).at(kStart), 6e9, 1e5);
  LatencyEstimate slower = LatencyEstimate().after(seconds(30), kStart);
  EXPECT_NEAR(slower.after_failure(kStart).at(kStart), 30e9, 1e6) << "a failure never makes it look better";
}

TEST(LatencyEstimate, StaysBoundedInABurstOfFailures) {
  LatencyEstimate estimate;
  for (int i = 0; i < 1'000; ++i) estimate = estimate.after_failure(kStart);
  EXPECT_NEAR(estimate.at(kStart), 1e10, 1e6);
}

TEST(LatencyEstimate, ToleratesATimeThatIsALittleBehind) {
  LatencyEstimate estimate = LatencyEstimate().after(milliseconds(10), kStart);
  EXPECT_NEAR(estimate.at(kStart - seconds(1)), 10 * kMillisecond, 1e3);
  EXPECT_NEAR(estimate.after(milliseconds(5), kStart - seconds(1)).at(kStart - seconds(1)), 10 * kMillisecond, 1e3);
}

TEST(LatencyEstimate, KeepsTinyLatenciesApartFromNone) {
  LatencyEstimate estimate = LatencyEstimate().after(base::Nanoseconds(1), base::TimePoint());
  EXPECT_TRUE(estimate.exists());
}

TEST(LatencyEstimate, RanksAsTheDecayedEstimatesDo) {
  base::Random random(1);
  base::TimePoint later = kStart + seconds(200);
  for (int i = 0; i < 1'000; ++i) {
    auto make = [&] {
      return LatencyEstimate::of(1e5 + static_cast<double>(random.below(1'000'000'000)),
                                 kStart + milliseconds(random.below(100'000)));
    };
    LatencyEstimate a = make();
    LatencyEstimate b = make();
    double ratio = a.at(later) / b.at(later);
    if (std::abs(ratio - 1) > 1e-4) EXPECT_EQ(a.rank() < b.rank(), ratio < 1);
  }
}

// Lets each backend answer one request with its latency.
void warm_up(Picker& picker, const std::vector<milliseconds>& latencies) {
  for (std::uint32_t i = 0; i < latencies.size(); ++i) {
    picker.start(i);
    picker.finish(i, latencies[i]);
  }
}

TEST(LeastResponseTime, PrefersTheFastest) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker picker(kName, set);
  warm_up(picker, {milliseconds(30), milliseconds(5), milliseconds(10)});
  EXPECT_EQ(picker.pick(), 1u);
}

TEST(LeastResponseTime, MultipliesByTheLoad) {
  pool::BackendSet set = set_of({1, 1});
  Picker picker(kName, set);
  warm_up(picker, {milliseconds(10), milliseconds(35)});
  std::string letters;
  for (int i = 0; i < 5; ++i) letters += picker.pick_and_start() == 0 ? 'a' : 'b';
  EXPECT_EQ(letters, "aaaba") << "10, 20, 30, then 35 before 40";
}

TEST(LeastResponseTime, DividesByWeight) {
  pool::BackendSet set = set_of({1, 4});
  Picker picker(kName, set);
  warm_up(picker, {milliseconds(10), milliseconds(35)});
  EXPECT_EQ(picker.pick(), 1u);
}

TEST(LeastResponseTime, LearnsAtTheFirstByteOfWorkThatGoesOn) {
  pool::BackendSet set = set_of({1, 1});
  Picker picker(kName, set);
  picker.start(0);
  picker.start(1);
  picker.respond(0, milliseconds(40));
  picker.respond(1, milliseconds(2));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(picker.pick_and_start(), 1u) << i;
  // The end of what has responded says nothing new; its failure does.
  picker.finish(0, kToldBefore);
  EXPECT_EQ(picker.pick(), 1u);
  picker.finish(1, base::Nanoseconds(0));
  EXPECT_EQ(picker.pick(), 0u);
}

TEST(LeastResponseTime, GivesABackendWithoutEstimateOneRequestAtOnceAndNoMore) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker picker(kName, set);
  for (std::uint32_t i : {0u, 1u}) {
    picker.start(i);
    picker.finish(i, milliseconds(5));
  }
  EXPECT_EQ(picker.pick_and_start(), 2u);
  for (int i = 0; i < 50; ++i) EXPECT_NE(picker.pick_and_start(), 2u);
  picker.finish(2, milliseconds(5));
  EXPECT_EQ(picker.pick_and_start(), 2u);
}

TEST(LeastResponseTime, AsksEachOnceWhenNothingIsKnown) {
  pool::BackendSet set = set_of({1, 1, 1});
  Picker picker(kName, set);
  std::vector<int> counts(3);
  for (int i = 0; i < 3; ++i) ++counts[picker.pick_and_start()];
  EXPECT_EQ(counts, (std::vector{1, 1, 1}));
  for (int i = 0; i < 6; ++i) ++counts[picker.pick_and_start()];
  EXPECT_EQ(counts, (std::vector{3, 3, 3})) << "all unknown and busy: by load";
}

TEST(LeastResponseTime, KeepsAwayFromABackendThatFailsFast) {
  pool::BackendSet set = set_of({1, 1});
  Picker picker(kName, set);
  warm_up(picker, {milliseconds(50), milliseconds(50)});
  picker.start(0);
  picker.finish(0, base::Nanoseconds::zero());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(picker.pick_and_start(), 1u);
}

TEST(LeastResponseTime, TriesASlowBackendAgainAfterAWhile) {
  for (std::size_t size : {2, 50}) {
    pool::BackendSet set = set_of_size(size);
    Picker picker(kName, set);
    std::vector<milliseconds> latencies(size, milliseconds(5));
    latencies[0] = seconds(1);
    warm_up(picker, latencies);
    bool tried = false;
    for (int i = 0; i < 2'000 && !tried; ++i) {
      picker.now += milliseconds(50);
      std::uint32_t index = picker.pick_and_start();
      picker.finish(index, milliseconds(5));
      tried = index == 0;
    }
    EXPECT_TRUE(tried) << "within 100 s: a ratio of 200 has decayed after 53";
    EXPECT_GT(picker.now, kStart + seconds(40));
  }
}

TEST(LeastResponseTime, AlwaysGivesTheMinimumOfManyBackends) {
  pool::BackendSet set = set_of_size(200);
  for (std::size_t i = 0; i < set.size(); ++i) set[i].weight = static_cast<std::uint32_t>(1 + i % 3);
  Picker picker(kName, set);
  base::Random random(11);
  warm_up(picker, std::vector<milliseconds>(200, milliseconds(10)));
  auto wait = [&](const pool::BackendEntry& each) {
    LatencyEstimate estimate(each.backend->latency_estimate.load());
    return estimate.at(picker.now) * (each.backend->in_flight.load() + 1) / each.weight;
  };
  for (int i = 0; i < 2'000; ++i) {
    picker.now += milliseconds(random.below(100));
    std::uint32_t index = picker.pick();
    double least = 1e300;
    for (const pool::BackendEntry& each : set) least = std::min(least, wait(each));
    ASSERT_NEAR(wait(set[index]), least, least * 1e-4) << "at step " << i;
    picker.start(index);
    if (random.below(3) != 0) picker.finish(index, milliseconds(1 + random.below(50)));
  }
}

}  // namespace
}  // namespace weir::balance
