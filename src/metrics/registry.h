// Counters, gauges and histograms with one cell per worker, summed when somebody asks.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;
enum class Type : std::uint8_t { counter, gauge, histogram };

// Cells of worker w lie kWorkerStride cells after those of worker 0, each worker's on cache lines of its own.
inline constexpr std::size_t kWorkerStride = 512;

// A handle on one series; trivially copyable; valid as long as the registry and, for a released series, until its cells
// are handed out again. add() is for the worker (thread) whose index is given: a relaxed load and store, no lock
// prefix.
class Counter {
 public:
  Counter() = default;
  explicit operator bool() const { return cell_ != nullptr; }
  void add(std::uint32_t worker, std::uint64_t amount = 1) const {
    std::atomic<std::uint64_t>& cell = cell_[worker * kWorkerStride];
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  // For gauges kept as sums of per-worker parts.
  void subtract(std::uint32_t worker, std::uint64_t amount = 1) const { add(worker, ~amount + 1); }
  std::uint64_t total(std::uint32_t workers) const;

 private:
  friend class Registry;
  explicit Counter(std::atomic<std::uint64_t>* cell) : cell_(cell) {}
  std::atomic<std::uint64_t>* cell_ = nullptr;
};

// Upper bounds of the buckets of every latency histogram, in nanoseconds; 1 ms to 60 s, then +Inf.
std::span<const std::uint64_t> latency_bounds();

// A latency histogram: cells for each bucket, the sum in nanoseconds, and the count.
class Histogram {
 public:
  Histogram() = default;
  explicit operator bool() const { return cells_ != nullptr; }
  void observe(std::uint32_t worker, std::uint64_t nanoseconds) const;

 private:
  friend class Registry;
  explicit Histogram(std::atomic<std::uint64_t>* cells) : cells_(cells) {}
  std::atomic<std::uint64_t>* cells_ = nullptr;
};

// Owns every family and series. Registering, releasing and scraping take a mutex and may be called from any thread, but
// never once per request. `slots` is the number of writers: workers first, then the control and health threads.
class Registry {
 public:
  explicit Registry(std::uint32_t slots);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same name and labels give the same series. Beyond kMaxSeries in a family every new series is the one whose
  // label values are all "other", so that label sets stay bounded.
  static constexpr std::size_t kMaxSeries = 100'000;
  Counter counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Counter gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  // Forgets every series in which `label` has `value` and, when given, `other_label` has `other_value` (a removed
  // backend, pool or listener). Their cells are reused only after the next-but-one release, so that late writers do no
  // harm.
  void release(std::string_view label, std::string_view value, std::string_view other_label = {},
               std::string_view other_value = {});

  // A family whose values are computed at scrape time. `collect` calls `emit` once per series.
  using Emit = std::function<void(const Labels& labels, double value)>;
  void computed(std::string_view name, std::string_view help, Type type, std::function<void(const Emit&)> collect);

  // Prometheus text format 0.0.4.
  std::string exposition() const;
  std::uint32_t slots() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::metrics
