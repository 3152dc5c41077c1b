#include "pool/latency_cells.h"

#include "gtest/gtest.h"

#include "base/random.h"
#include "pool/backend_traffic.h"

namespace weir::pool {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LatencyScale, EveryTimeIsInTheCellThatBeginsAtOrBelowIt) {
  for (std::size_t cell = 0; cell < LatencyScale::kCells; ++cell) {
    EXPECT_EQ(LatencyScale::cell(LatencyScale::floor(cell)), cell);
    if (cell > 0) EXPECT_EQ(LatencyScale::cell(LatencyScale::floor(cell) - 1), cell - 1);
  }
  EXPECT_EQ(LatencyScale::cell(0), 0u);
  EXPECT_EQ(LatencyScale::cell(UINT64_MAX), LatencyScale::kCells - 1);
  EXPECT_EQ(LatencyScale::floor(1), 1u << 15);
}

base::Nanoseconds quantile(const LatencyCells& cells, double share) {
  LatencyCounts counts{};
  cells.add_to(counts);
  return latency_quantile(counts, share).value_or(base::Nanoseconds(-1));
}

TEST(LatencyQuantile, IsNothingWithoutCounts) { EXPECT_FALSE(latency_quantile(LatencyCounts{}, 0.5)); }

TEST(LatencyQuantile, IsGoodToATenth) {
  LatencyCells cells;
  base::Random random(1);
  for (int i = 0; i < 10'000; ++i) cells.add(microseconds(1000 + random.below(9000)));
  for (double share : {0.1, 0.5, 0.95, 0.99}) {
    double exact = 1e6 + share * 9e6;
    EXPECT_NEAR(static_cast<double>(quantile(cells, share).count()), exact, exact / 10) << share;
  }
}

TEST(LatencyQuantile, OfOneValueIsNearIt) {
  for (auto value : {microseconds(50), microseconds(700), microseconds(20'000), microseconds(3'000'000)}) {
    LatencyCells cells;
    for (int i = 0; i < 5; ++i) cells.add(value);
    double exact = static_cast<double>(base::Nanoseconds(value).count());
    EXPECT_NEAR(static_cast<double>(quantile(cells, 0.5).count()), exact, exact / 5);
  }
}

TEST(LatencyQuantile, OfWhatIsAboveTheScaleIsItsEnd) {
  LatencyCells cells;
  cells.add(seconds(60));
  EXPECT_EQ(quantile(cells, 0.5), base::Nanoseconds(std::int64_t{1} << 33));
}

TEST(BackendTraffic, CountsNothingUntilItIsAsked) {
  BackendTraffic traffic;
  EXPECT_EQ(traffic.of(0), nullptr);
  EXPECT_EQ(traffic.sum().total(), 0u);
  traffic.keep(2, true);
  EXPECT_FALSE(traffic.has_counts());
  TrafficCells* mine = traffic.of(1);
  ASSERT_NE(mine, nullptr);
  EXPECT_EQ(traffic.of(1), mine);
  EXPECT_TRUE(traffic.has_counts());
}

TEST(BackendTraffic, SumsOverItsWorkers) {
  BackendTraffic traffic;
  traffic.keep(2, true);
  traffic.keep(2, true);
  for (std::uint32_t worker : {0u, 1u, 1u}) {
    TrafficCells* cells = traffic.of(worker);
    cells->count(cells->succeeded);
    traffic.add_latency(*cells, milliseconds(5));
  }
  traffic.of(0)->count(traffic.of(0)->failed);
  TrafficCounts sum = traffic.sum();
  EXPECT_EQ(sum.succeeded, 3u);
  EXPECT_EQ(sum.failed, 1u);
  EXPECT_EQ(sum.success_rate(), 0.75);
  EXPECT_EQ(sum.latency[LatencyScale::cell(5'000'000)], 3u);
}

TEST(BackendTraffic, KeepsNoLatenciesThatNobodyComparesAndBeginsWhenSomebodyDoes) {
  BackendTraffic traffic;
  traffic.keep(1, false);
  TrafficCells* mine = traffic.of(0);
  traffic.add_latency(*mine, milliseconds(5));
  EXPECT_EQ(mine->latency.load(), nullptr);
  traffic.keep(1, true);
  traffic.add_latency(*mine, milliseconds(5));
  EXPECT_EQ(traffic.sum().latency[LatencyScale::cell(5'000'000)], 1u);
}

}  // namespace
}  // namespace weir::pool
