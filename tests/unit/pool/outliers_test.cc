#include "pool/outliers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::pool {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

// A backend whose requests succeed by that share in percent, all after `latency`.
TrafficCounts backend(std::uint32_t percent, milliseconds latency = milliseconds(10), std::uint32_t requests = 100) {
  TrafficCounts counts{.succeeded = requests * percent / 100, .failed = requests - requests * percent / 100};
  counts.latency[LatencyScale::cell(static_cast<std::uint64_t>(base::Nanoseconds(latency).count()))] = requests;
  return counts;
}

std::vector<std::pair<std::size_t, EjectionReason>> found(const std::vector<TrafficCounts>& windows,
                                                          const config::Passive& passive = {}) {
  std::vector<std::pair<std::size_t, EjectionReason>> all;
  for (const Outlier& outlier : find_outliers(windows, passive)) all.emplace_back(outlier.index, outlier.reason);
  return all;
}

config::Passive only(bool error_rate, bool success_rate, bool latency) {
  config::Passive passive;
  passive.error_rate.enabled = error_rate;
  passive.success_rate.enabled = success_rate;
  passive.latency.enabled = latency;
  return passive;
}

// Mean 90, variance 400, standard deviation 20: 90 - 1.9 * 20 = 52.
TEST(SuccessRate, ThresholdIsTheMeanLessDeviationsOfThePopulation) {
  const double rates[] = {0.5, 1, 1, 1, 1};
  EXPECT_NEAR(success_rate_threshold(rates, 1.9), 0.52, 1e-9);
}

TEST(SuccessRate, EjectsTheOneThatIsFarBelowTheOthers) {
  auto outliers =
      find_outliers({{backend(100), backend(50), backend(100), backend(100), backend(100)}}, only(false, true, false));
  ASSERT_EQ(outliers.size(), 1u);
  EXPECT_EQ(outliers[0].index, 1u);
  EXPECT_EQ(describe(outliers[0], only(false, true, false)), "success rate 50 % while the pool has 90 %");
}

TEST(SuccessRate, ComparesNoneOfFewBackendsOrFewRequests) {
  config::Passive passive = only(false, true, false);
  EXPECT_THAT(found({backend(10), backend(100), backend(100), backend(100)}, passive), IsEmpty());
  EXPECT_THAT(
      found({backend(10, milliseconds(1), 19), backend(100), backend(100), backend(100), backend(100)}, passive),
      IsEmpty());
}

TEST(SuccessRate, ForgivesADifferenceThatIsSmallInItself) {
  config::Passive passive = only(false, true, false);
  std::vector<TrafficCounts> windows{backend(97), backend(100), backend(100), backend(100), backend(100), backend(100)};
  EXPECT_THAT(found(windows, passive), IsEmpty()) << "it is 2.2 deviations below, and 2.5 %";
  passive.success_rate.min_difference = 0.01;
  EXPECT_THAT(found(windows, passive), ElementsAre(std::pair(0, EjectionReason::success_rate)));
}

TEST(ErrorRate, EjectsAtTheThresholdWithEnoughRequests) {
  config::Passive passive = only(true, false, false);
  EXPECT_THAT(found({backend(50)}, passive), ElementsAre(std::pair(0, EjectionReason::error_rate)));
  EXPECT_THAT(found({backend(51)}, passive), IsEmpty());
  EXPECT_THAT(found({backend(0, milliseconds(1), 19)}, passive), IsEmpty());
  EXPECT_EQ(describe(find_outliers({{backend(25)}}, passive)[0], passive), "75 of 100 requests in 10 s failed, 75 %");
}

TEST(ErrorRate, NamesTheWorstFirst) {
  EXPECT_THAT(found({backend(40), backend(100), backend(10)}, only(true, false, false)),
              ElementsAre(std::pair(2, EjectionReason::error_rate), std::pair(0, EjectionReason::error_rate)));
}

TEST(ErrorRate, EjectsNobodyWhileMostOthersFailAlike) {
  config::Passive passive = only(true, false, false);
  EXPECT_THAT(found({backend(50), backend(45), backend(50), backend(40)}, passive), IsEmpty()) << "the service fails";
  EXPECT_THAT(found({backend(40), backend(60)}, passive), IsEmpty()) << "at 40 % the other is on its way";
  EXPECT_THAT(found({backend(10), backend(20), backend(100), backend(100), backend(100)}, passive),
              ElementsAre(std::pair(0, EjectionReason::error_rate), std::pair(1, EjectionReason::error_rate)));
}

TEST(Latency, EjectsTheOneThatIsManyTimesSlower) {
  std::vector<TrafficCounts> windows{backend(100, milliseconds(10)), backend(100, milliseconds(100)),
                                     backend(100, milliseconds(12))};
  EXPECT_THAT(found(windows, only(false, false, true)), ElementsAre(std::pair(1, EjectionReason::latency)));
}

TEST(Latency, ForgivesWhatIsSlowByFewMilliseconds) {
  EXPECT_THAT(found({backend(100, milliseconds(1)), backend(100, milliseconds(1)), backend(100, milliseconds(19))},
                    only(false, false, true)),
              IsEmpty());
}

TEST(Latency, ComparesNoTwoBackends) {
  EXPECT_THAT(found({backend(100, milliseconds(1)), backend(100, milliseconds(900))}, only(false, false, true)),
              IsEmpty());
}

TEST(Outliers, EachIsFoundOnce) {
  EXPECT_THAT(found({backend(10, milliseconds(900)), backend(100), backend(100), backend(100), backend(100)}),
              ElementsAre(std::pair(0, EjectionReason::error_rate)));
  EXPECT_THAT(found({backend(10, milliseconds(900)), backend(100), backend(100)}, only(false, false, false)),
              IsEmpty());
}

TEST(TrafficWindow, IsTheDifferenceOverItsLength) {
  TrafficWindow window;
  TrafficCounts sums;
  for (int second = 0; second < 5; ++second) {
    window.add(sums, 3);
    sums.succeeded += 10;
  }
  EXPECT_EQ(window.counts().succeeded, 30u);
  window.restart(sums);
  EXPECT_EQ(window.counts().succeeded, 0u);
}

TEST(TrafficWindow, HoldsOverTheEndOfItsNumbers) {
  TrafficWindow window;
  window.add({.succeeded = UINT32_MAX}, 10);
  window.add({.succeeded = 4}, 10);
  EXPECT_EQ(window.counts().succeeded, 5u);
}

}  // namespace
}  // namespace weir::pool
