#include "metrics/registry.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::metrics {
namespace {

constexpr Family kRequests = {
    .name = "requests_total", .type = Type::counter, .help = "Requests.", .labels = {"pool", "backend"}};

// The value of the sample whose name and labels are `series`; empty when it is not there.
std::string sample(const Registry& registry, const std::string& series) {
  std::string text = "\n" + registry.exposition();
  auto at = text.find("\n" + series + " ");
  if (at == std::string::npos) return {};
  at += series.size() + 2;
  return text.substr(at, text.find('\n', at) - at);
}

TEST(Registry, SumsTheCellsOfAllWriters) {
  Registry registry(3);
  Counter counter = registry.counter("a_total", "A.");
  counter.add(0);
  counter.add(1, 10);
  counter.add(2, 100);
  EXPECT_EQ(counter.total(3), 111u);
  EXPECT_EQ(sample(registry, "a_total"), "111");
  EXPECT_EQ(registry.total("a_total"), 111u);
  EXPECT_EQ(registry.total("b_total"), 0u);
}

TEST(Registry, GivesTheSameSeriesForTheSameNameAndLabels) {
  Registry registry(1);
  registry.counter("a_total", "A.", {{"pool", "p"}, {"code", "200"}}).add(0);
  registry.counter("a_total", "A.", {{"code", "200"}, {"pool", "p"}}).add(0);
  registry.counter("a_total", "A.", {{"pool", "p"}, {"code", "404"}}).add(0);
  EXPECT_EQ(registry.series_count("a_total"), 2u);
  EXPECT_EQ(sample(registry, "a_total{code=\"200\",pool=\"p\"}"), "2");
}

TEST(Registry, TakesNamesAndLabelsFromAFamily) {
  Registry registry(1);
  registry.counter(kRequests, {"p", "b"}).add(0, 3);
  EXPECT_EQ(sample(registry, "requests_total{backend=\"b\",pool=\"p\"}"), "3");
}

TEST(Registry, KeepsEveryWritersCellsOnLinesOfTheirOwn) {
  static_assert(kWorkerStride * sizeof(Cell) % 64 == 0);
  Registry registry(2);
  Counter counter = registry.counter("a_total", "A.");
  counter.add(0, 5);
  counter.subtract(1, 2);
  EXPECT_EQ(counter.total(1), 5u);
  EXPECT_EQ(counter.total(2), 3u);
}

TEST(Registry, ShowsAGaugeThatOneWorkerRaisedAndAnotherLowered) {
  Registry registry(2);
  Counter gauge = registry.gauge("open", "Open.");
  gauge.add(0, 2);
  gauge.subtract(1);
  EXPECT_EQ(sample(registry, "open"), "1");
  gauge.set(0, 40);
  EXPECT_EQ(sample(registry, "open"), "39");
}

TEST(Registry, ShowsAGaugeCaughtBetweenTwoWritesAsZero) {
  Registry registry(2);
  registry.gauge("open", "Open.").subtract(1);
  EXPECT_EQ(sample(registry, "open"), "0");
}

TEST(Registry, ForgetsReleasedSeriesOnly) {
  Registry registry(1);
  for (const char* backend : {"a", "b"}) {
    registry.counter(kRequests, {"site", backend}).add(0);
    registry.counter(kRequests, {"api", backend}).add(0);
  }
  registry.release("backend", "a", "pool", "site");
  EXPECT_EQ(registry.series_count("requests_total"), 3u);
  EXPECT_EQ(sample(registry, "requests_total{backend=\"a\",pool=\"site\"}"), "");
  EXPECT_EQ(sample(registry, "requests_total{backend=\"a\",pool=\"api\"}"), "1");
  registry.release("pool", "api");
  EXPECT_EQ(registry.series_count("requests_total"), 1u);
  EXPECT_EQ(sample(registry, "requests_total{backend=\"b\",pool=\"site\"}"), "1");
}

TEST(Registry, IgnoresTheReleaseOfWhatItDoesNotKnow) {
  Registry registry(1);
  registry.counter(kRequests, {"p", "b"});
  registry.release("backend", "unknown");
  registry.release("backend", "b", "pool", "unknown");
  registry.release("pool", "b");
  registry.release("", "");
  EXPECT_EQ(registry.series_count("requests_total"), 1u);
}

TEST(Registry, StartsAReleasedSeriesAgainFromZero) {
  base::ManualClock clock;
  Registry registry(1, clock);
  registry.counter(kRequests, {"p", "b"}).add(0, 7);
  registry.release("backend", "b");
  EXPECT_EQ(registry.counter(kRequests, {"p", "b"}).total(1), 0u);
}

TEST(Registry, ATotalOfCountersNeverFalls) {
  Registry registry(2);
  registry.counter(kRequests, {"p", "a"}).add(0, 7);
  registry.counter(kRequests, {"p", "b"}).add(1, 2);
  registry.gauge("active", "", {{"backend", "b"}}).add(0, 4);
  registry.release("backend", "b");
  EXPECT_EQ(registry.total("requests_total"), 9u);
  EXPECT_EQ(registry.total("active"), 0u);
  registry.counter(kRequests, {"p", "b"}).add(1, 1);
  EXPECT_EQ(registry.total("requests_total"), 10u);
}

TEST(Registry, ReusesCellsOnlyAfterTheDelay) {
  base::ManualClock clock;
  Registry registry(1, clock);
  Counter old = registry.counter(kRequests, {"p", "old"});
  registry.release("backend", "old");
  clock.advance(Registry::kReuseDelay - std::chrono::nanoseconds(1));
  Counter early = registry.counter(kRequests, {"p", "early"});
  old.add(0, 5);  // a late writer
  EXPECT_EQ(early.total(1), 0u);
  clock.advance(std::chrono::nanoseconds(1));
  Counter reused = registry.counter(kRequests, {"p", "reused"});
  EXPECT_EQ(reused.total(1), 0u);
  old.add(0);  // now it is the same cell, which shows that memory is used again
  EXPECT_EQ(reused.total(1), 1u);
}

TEST(Registry, BoundsTheSeriesOfAFamily) {
  Registry registry(1);
  for (std::size_t i = 0; i < Registry::kMaxSeries; ++i) registry.counter(kRequests, {"p", std::to_string(i)}).add(0);
  registry.counter(kRequests, {"p", "one too many"}).add(0, 3);
  registry.counter(kRequests, {"q", "two too many"}).add(0, 4);
  registry.counter(kRequests, {"p", "7"}).add(0);
  EXPECT_EQ(registry.series_count("requests_total"), Registry::kMaxSeries + 1);
  EXPECT_EQ(sample(registry, "requests_total{backend=\"other\",pool=\"other\"}"), "7");
  EXPECT_EQ(sample(registry, "requests_total{backend=\"7\",pool=\"p\"}"), "2");
  registry.release("pool", "p");
  registry.release("pool", "other");  // must stay: nobody knows whose it is
  EXPECT_EQ(registry.series_count("requests_total"), 1u);
  registry.counter(kRequests, {"p", "room again"}).add(0);
  EXPECT_EQ(sample(registry, "requests_total{backend=\"room again\",pool=\"p\"}"), "1");
}

TEST(Registry, PutsFamiliesInOrderOfTheirNames) {
  Registry registry(1);
  registry.counter("c_total", "C.");
  registry.gauge("a", "A.");
  registry.computed("b", "B.", Type::gauge, [](const Registry::Emit& emit) { emit({}, 1.5); });
  EXPECT_EQ(registry.exposition(),
            "# HELP a A.\n# TYPE a gauge\na 0\n"
            "# HELP b B.\n# TYPE b gauge\nb 1.5\n"
            "# HELP c_total C.\n# TYPE c_total counter\nc_total 0\n");
}

TEST(Registry, LeavesOutFamiliesWithoutSeries) {
  Registry registry(1);
  registry.counter(kRequests, {"p", "b"});
  registry.release("pool", "p");
  registry.computed("none", "None.", Type::gauge, [](const Registry::Emit&) {});
  EXPECT_EQ(registry.exposition(), "");
}

TEST(Registry, ComputesAtEveryScrapeAndByTheLatestFunction) {
  Registry registry(1);
  int calls = 0;
  registry.computed("n", "N.", Type::gauge, [&calls](const Registry::Emit& emit) { emit({{"a", "x"}}, ++calls); });
  EXPECT_EQ(sample(registry, "n{a=\"x\"}"), "1");
  EXPECT_EQ(sample(registry, "n{a=\"x\"}"), "2");
  registry.computed("n", "N.", Type::gauge, [](const Registry::Emit& emit) { emit({}, -1); });
  EXPECT_EQ(sample(registry, "n"), "-1");
}

TEST(Registry, MayBeUsedByAFunctionThatComputes) {
  Registry registry(1);
  registry.computed("n", "N.", Type::gauge, [&registry](const Registry::Emit& emit) {
    registry.counter("seen_total", "Seen.").add(0);
    registry.release("pool", "p");
    emit({}, static_cast<double>(registry.total("seen_total")));
  });
  EXPECT_EQ(sample(registry, "n"), "1");
}

TEST(Registry, CountsObservationsInTheBucketThatBoundsThem) {
  Registry registry(2);
  Histogram histogram = registry.histogram("t_seconds", "T.", {{"listener", "web"}});
  histogram.observe(0, 0);
  histogram.observe(0, 1'000'000);  // exactly on a bound: le is inclusive
  histogram.observe(1, 1'000'001);  // just above
  histogram.observe(1, 61'000'000'000);
  auto value = [&](const std::string& le) {
    return sample(registry, "t_seconds_bucket{listener=\"web\",le=\"" + le + "\"}");
  };
  EXPECT_EQ(value("0.0001"), "1");
  EXPECT_EQ(value("0.0005"), "1");
  EXPECT_EQ(value("0.001"), "2");
  EXPECT_EQ(value("0.0025"), "3");
  EXPECT_EQ(value("60"), "3");
  EXPECT_EQ(value("+Inf"), "4");
  EXPECT_EQ(sample(registry, "t_seconds_count{listener=\"web\"}"), "4");
  EXPECT_EQ(sample(registry, "t_seconds_sum{listener=\"web\"}"), "61.002000001");
  EXPECT_EQ(registry.total("t_seconds"), 4u);
}

TEST(LatencyBucket, IsTheFirstWhoseBoundIsNotBelow) {
  EXPECT_EQ(latency_bucket(0), 0u);
  EXPECT_EQ(latency_bucket(UINT64_MAX), kLatencyBounds.size());
  for (std::size_t i = 0; i < kLatencyBounds.size(); ++i) {
    EXPECT_EQ(latency_bucket(kLatencyBounds[i] - 1), i);
    EXPECT_EQ(latency_bucket(kLatencyBounds[i]), i);
    EXPECT_EQ(latency_bucket(kLatencyBounds[i] + 1), i + 1);
  }
}

TEST(RegistryDeathTest, RefusesNamesThatPrometheusWould) {
  Registry registry(1);
  EXPECT_DEATH(registry.counter("a-b", "A."), "is_metric_name");
  EXPECT_DEATH(registry.counter("a_total", "A.", {{"le-x", "1"}}), "is_label_name");
  EXPECT_DEATH(registry.counter("a_total", "A.", {{"x", "1"}, {"x", "2"}}), "broken invariant");
  registry.counter("a_total", "A.");
  EXPECT_DEATH(registry.gauge("a_total", "A."), "type == type");
}

TEST(Registry, TakesRegistrationsReleasesAndScrapesFromAllThreadsAtOnce) {
  constexpr std::uint32_t kWriters = 3;
  Registry registry(kWriters);
  Counter shared = registry.counter("shared_total", "Shared.");
  Histogram times = registry.histogram("t_seconds", "T.");
  std::vector<std::jthread> writers;
  for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::uint32_t i = 0; i < 2000; ++i) {
        shared.add(writer);
        times.observe(writer, std::uint64_t{i} * 1000);
        registry.counter(kRequests, {"p", std::to_string(i % 50)}).add(writer);
        if (i % 100 == writer) registry.release("backend", std::to_string(i % 50));
      }
    });
  }
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(registry.exposition().contains("shared_total "));
  writers.clear();
  EXPECT_EQ(shared.total(kWriters), 2000u * kWriters);
  EXPECT_EQ(registry.total("t_seconds"), 2000u * kWriters);
}

}  // namespace
}  // namespace weir::metrics
