// The cost of counting for a worker, and of a scrape for the control thread.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "metrics/families.h"
#include "metrics/request_cells.h"

namespace weir::metrics {
namespace {

constexpr std::uint32_t kWorkers = 4;

void add_to_counter(benchmark::State& state) {
  Registry registry(kWorkers);
  Counter counter = registry.counter("n_total", "N.");
  for (auto _ : state) {
    benchmark::DoNotOptimize(counter);
    counter.add(1);
  }
}
BENCHMARK(add_to_counter);

void observe_latency(benchmark::State& state) {
  Registry registry(kWorkers);
  Histogram histogram = registry.histogram("t_seconds", "T.");
  std::uint64_t nanoseconds = 1;
  for (auto _ : state) {
    nanoseconds = nanoseconds * 6364136223846793005u + 1442695040888963407u;
    histogram.observe(1, nanoseconds >> 36);  // up to 268 ms
  }
}
BENCHMARK(observe_latency);

// The request path's look-up, over as many backends as the argument says.
void find_in_table(benchmark::State& state) {
  Registry registry(kWorkers);
  RequestCounters table;
  Counter shared = registry.counter("n_total", "N.");
  auto fill = [&](const CellKey&) { return shared; };
  auto backends = static_cast<std::uint32_t>(state.range(0));
  std::uint32_t backend = 0;
  for (auto _ : state) {
    if (++backend == backends) backend = 0;
    benchmark::DoNotOptimize(table.find(7, {.listener = 1, .route = 3, .backend = backend, .code = 200}, fill));
  }
}
BENCHMARK(find_in_table)->Arg(3)->Arg(100)->Arg(10'000);

void register_backends(Registry& registry, int backends) {
  for (int i = 0; i < backends; ++i) {
    std::string id = "backend-" + std::to_string(i);
    registry.counter(families::kRequests, {"web", "web/1", "site", id, "200"}).add(0);
    registry.counter(families::kBackendRequests, {"site", id}).add(0);
    registry.counter(families::kBackendFailures, {"site", id, "refused"}).add(1);
    registry.gauge(families::kBackendUp, {"site", id}).add(1);
    registry.gauge(families::kBackendConnectionsActive, {"site", id}).add(2);
    registry.gauge(families::kBackendRequestsActive, {"site", id}).add(3);
  }
}

// 10,000 backends in six families.
void scrape(benchmark::State& state) {
  Registry registry(kWorkers);
  register_backends(registry, 10'000);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = registry.exposition().size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(scrape)->Unit(benchmark::kMillisecond);

// The same number of series computed at scrape time.
void scrape_computed(benchmark::State& state) {
  Registry registry(kWorkers);
  std::vector<std::string> ids;
  ids.reserve(10'000);
  for (int i = 0; i < 10'000; ++i) ids.push_back("backend-" + std::to_string(i));
  for (int family = 0; family < 6; ++family) {
    registry.computed("computed_" + std::to_string(family), "Computed.", Type::gauge, [&](const Registry::Emit& emit) {
      Labels labels = {{"backend", ""}, {"pool", "site"}};
      for (const std::string& id : ids) {
        labels.front().second = id;
        emit(labels, 1);
      }
    });
  }
  for (auto _ : state) benchmark::DoNotOptimize(registry.exposition());
}
BENCHMARK(scrape_computed)->Unit(benchmark::kMillisecond);

void register_and_release(benchmark::State& state) {
  Registry registry(kWorkers);
  for (auto _ : state) {
    register_backends(registry, 10'000);
    for (int i = 0; i < 10'000; ++i) registry.release("backend", "backend-" + std::to_string(i), "pool", "site");
  }
  state.counters["series"] = static_cast<double>(registry.series_count(families::kRequests.name));
}
BENCHMARK(register_and_release)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace weir::metrics
