// The cost of a pick, and of building a strategy: the budget is 1 us a pick at 10,000 backends.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "balance/strategy.h"
#include "base/random.h"

namespace {

using namespace weir;

pool::BackendSet backends(std::size_t count, bool weighted) {
  pool::BackendSet set;
  for (std::size_t i = 0; i < count; ++i) {
    std::string host =
        "10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
    set.push_back({.backend = std::make_shared<pool::Backend>("bench", host + ":80", host, 80),
                   .addresses = nullptr,
                   .weight = weighted ? static_cast<std::uint32_t>(1 + i % 7) : 1});
  }
  return set;
}

// A pick alone, of an idle pool.
void pick(benchmark::State& state, const std::string& name, std::size_t avoided) {
  pool::BackendSet set = backends(static_cast<std::size_t>(state.range(0)), false);
  std::unique_ptr<balance::Strategy> strategy = balance::make_strategy({name, {}}, set, nullptr);
  base::Random random(1);
  balance::PickContext context;
  context.random = &random;
  std::array<std::uint32_t, 2> avoid{0, 1};
  context.avoid = std::span(avoid).first(avoided);
  for (auto _ : state) {
    context.key_hash = random.next();
    benchmark::DoNotOptimize(strategy->pick(context));
  }
}

// All that a request asks of the strategy: pick, started, finished, with 2 requests per backend in progress.
void request(benchmark::State& state, const std::string& name) {
  auto count = static_cast<std::size_t>(state.range(0));
  pool::BackendSet set = backends(count, false);
  std::unique_ptr<balance::Strategy> strategy = balance::make_strategy({name, {}}, set, nullptr);
  base::Random random(1);
  balance::PickContext context;
  context.random = &random;
  base::TimePoint now = base::now();
  std::vector<std::uint32_t> in_progress;
  auto begin = [&] {
    context.key_hash = random.next();
    std::uint32_t index = strategy->pick(context);
    set[index].backend->in_flight.fetch_add(1, std::memory_order_relaxed);
    strategy->started(index);
    return index;
  };
  in_progress.reserve(2 * count);
  for (std::size_t i = 0; i < 2 * count; ++i) in_progress.push_back(begin());
  for (auto _ : state) {
    std::uint32_t& ending = in_progress[random.below(in_progress.size())];
    now += std::chrono::microseconds(10);
    set[ending].backend->in_flight.fetch_sub(1, std::memory_order_relaxed);
    strategy->finished(ending, std::chrono::microseconds(1000 + random.below(1000)), now);
    ending = begin();
  }
}

void build(benchmark::State& state, const std::string& name, bool weighted) {
  pool::BackendSet set = backends(static_cast<std::size_t>(state.range(0)), weighted);
  for (auto _ : state) benchmark::DoNotOptimize(balance::make_strategy({name, {}}, set, nullptr));
}

// Weights without a cycle of moderate length.
void pick_without_a_cycle(benchmark::State& state) {
  pool::BackendSet set = backends(10'000, false);
  for (std::size_t i = 0; i < set.size(); ++i) set[i].weight = static_cast<std::uint32_t>(1 + i % 997);
  std::unique_ptr<balance::Strategy> strategy = balance::make_strategy({"weighted_round_robin", {}}, set, nullptr);
  for (auto _ : state) benchmark::DoNotOptimize(strategy->pick({}));
}
BENCHMARK(pick_without_a_cycle);

// The longest walk on the ring: every backend is over its bound.
void pick_from_a_full_ring(benchmark::State& state) {
  pool::BackendSet set = backends(10'000, false);
  for (pool::BackendEntry& entry : set) entry.backend->in_flight = 1000;
  std::unique_ptr<balance::Strategy> strategy = balance::make_strategy({"consistent_hash", {}}, set, nullptr);
  base::Random random(1);
  balance::PickContext context;
  for (auto _ : state) {
    context.key_hash = random.next();
    benchmark::DoNotOptimize(strategy->pick(context));
  }
}
BENCHMARK(pick_from_a_full_ring);

const bool registered = [] {
  for (const config::KindEntry& entry : balance::strategies()) {
    std::string name(entry.name);
    benchmark::RegisterBenchmark(("pick/" + name).c_str(), pick, name, 0)->Arg(3)->Arg(100)->Arg(10'000);
    benchmark::RegisterBenchmark(("pick_avoiding_two/" + name).c_str(), pick, name, 2)->Arg(3)->Arg(100)->Arg(10'000);
    benchmark::RegisterBenchmark(("request/" + name).c_str(), request, name)->Arg(3)->Arg(100)->Arg(10'000);
    benchmark::RegisterBenchmark(("build/" + name).c_str(), build, name, false)
        ->Arg(3)
        ->Arg(10'000)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("build_weighted/" + name).c_str(), build, name, true)
        ->Arg(10'000)
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
