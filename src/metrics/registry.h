// Counters, gauges and histograms with one cell per worker, summed when somebody asks.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace weir::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;
enum class Type : std::uint8_t { counter, gauge, histogram };

// The part that all series of a metric share. Weir's families are in metrics/families.h. Views into constant text.
struct Family {
  std::string_view name;
  Type type;
  std::string_view help;
  std::array<std::string_view, 5> labels{};  // the names in use come first; the rest is empty

  constexpr std::size_t label_count() const {
    std::size_t count = 0;
    while (count < labels.size() && !labels[count].empty()) ++count;
    return count;
  }
};

// Cells of worker w lie kWorkerStride cells after those of worker 0, each worker's on cache lines of its own.
inline constexpr std::size_t kWorkerStride = 512;
using Cell = std::atomic<std::uint64_t>;

// Adds to a cell that only the calling thread writes: a relaxed load and store, no lock prefix.
inline void add_to_cell(Cell& cell, std::uint64_t amount) {
  cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// A handle on one series of a counter or gauge; trivially copyable; valid as long as the registry. After the
// release of its series it may be used for Registry::kReuseDelay: then the cells belong to another series.
// Every call that takes a worker is for the thread that has this index.
class Counter {
 public:
  Counter() = default;
  explicit operator bool() const { return cell_ != nullptr; }
  void add(std::uint32_t worker, std::uint64_t amount = 1) const { add_to_cell(cell_[worker * kWorkerStride], amount); }
  // For gauges kept as sums of per-worker parts: one worker may take away what another has added.
  void subtract(std::uint32_t worker, std::uint64_t amount = 1) const { add(worker, ~amount + 1); }
  // For gauges that one thread alone sets.
  void set(std::uint32_t worker, std::uint64_t value) const {
    cell_[worker * kWorkerStride].store(value, std::memory_order_relaxed);
  }
  // The sum over the first `workers` writers. Any thread.
  std::uint64_t total(std::uint32_t workers) const;

 private:
  friend class Registry;
  explicit Counter(Cell* cell) : cell_(cell) {}
  Cell* cell_ = nullptr;
};

// Upper bounds (inclusive) of the buckets of every latency histogram, in nanoseconds: 100 us to 60 s. +Inf follows.
inline constexpr std::array<std::uint64_t, 18> kLatencyBounds = {
    100'000,       250'000,       500'000,       1'000'000,      2'500'000,      5'000'000,
    10'000'000,    25'000'000,    50'000'000,    100'000'000,    250'000'000,    500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000, 30'000'000'000, 60'000'000'000};
inline constexpr std::size_t kLatencyBuckets = kLatencyBounds.size() + 1;
std::span<const std::uint64_t> latency_bounds();

// The bucket that takes `nanoseconds`: the first whose bound is not below it.
constexpr std::size_t latency_bucket(std::uint64_t nanoseconds) {
  // Where to begin for a number of that many bits: the first bound not below the smallest such number.
  constexpr auto kFirst = [] {
    std::array<std::uint8_t, 65> first{};
    for (std::size_t bits = 1; bits <= 64; ++bits) {
      std::uint64_t smallest = std::uint64_t{1} << (bits - 1);
      while (first[bits] < kLatencyBounds.size() && kLatencyBounds[first[bits]] < smallest) ++first[bits];
    }
    return first;
  }();
  std::size_t bucket = kFirst[static_cast<std::size_t>(std::bit_width(nanoseconds))];
  while (bucket < kLatencyBounds.size() && kLatencyBounds[bucket] < nanoseconds) ++bucket;
  return bucket;
}

// A latency histogram: a cell for each bucket, then the sum in nanoseconds. The same rules as for Counter.
class Histogram {
 public:
  Histogram() = default;
  explicit operator bool() const { return cells_ != nullptr; }
  void observe(std::uint32_t worker, std::uint64_t nanoseconds) const {
    Cell* mine = cells_ + worker * kWorkerStride;
    add_to_cell(mine[latency_bucket(nanoseconds)], 1);
    add_to_cell(mine[kLatencyBuckets], nanoseconds);
  }

 private:
  friend class Registry;
  explicit Histogram(Cell* cells) : cells_(cells) {}
  Cell* cells_ = nullptr;
};

// Owns every family and series. Registering, releasing and scraping take a mutex and may be called from any thread, but
// never once per request; a scrape holds it for one family at a time. `slots` is the number of writers: workers first,
// then the control and health threads.
class Registry {
 public:
  // `clock` decides when released cells are reused; it outlives the registry.
  explicit Registry(std::uint32_t slots, const base::Clock& clock = steady_clock());
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same name and labels, in whatever order, give the same series. Beyond kMaxSeries in a family every new series
  // is the one whose label values are all "other", so that label sets stay bounded. Asserts that names are valid for
  // Prometheus, that no label occurs twice and that a family keeps its type: those are constants of ours. Label values
  // may be any bytes.
  static constexpr std::size_t kMaxSeries = 100'000;
  Counter counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Counter gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  // The same by a family of metrics/families.h; `values` are those of its labels, in their order.
  Counter counter(const Family& family, std::initializer_list<std::string_view> values = {});
  Counter gauge(const Family& family, std::initializer_list<std::string_view> values = {});
  Histogram histogram(const Family& family, std::initializer_list<std::string_view> values = {});

  // Forgets every series in which `label` has `value` and, when given, `other_label` has `other_value` (a removed
  // backend, pool, listener or route). Costs time in proportion to the series that have `label`=`value`. Their cells
  // are reused only kReuseDelay later, so that a late writer with an old handle does no harm.
  static constexpr base::Nanoseconds kReuseDelay = std::chrono::minutes(1);
  void release(std::string_view label, std::string_view value, std::string_view other_label = {},
               std::string_view other_value = {});

  // A family whose values are computed at scrape time. `collect` calls `emit` once per series, on the scraping thread,
  // one scrape at a time and without the registry's mutex held; what it refers to must live until the last scrape. A
  // second call with the same name replaces the first.
  class Emit {
   public:
    void operator()(const Labels& labels, double value) const;
    // `labels` as metrics::render_labels() gives them, for those that stay the same from scrape to scrape.
    void rendered(std::string_view labels, double value) const;

   private:
    friend class Registry;
    Emit(std::string& out, std::string_view name) : out_(out), name_(name) {}
    std::string& out_;
    std::string_view name_;
  };
  using Collect = std::function<void(const Emit&)>;
  void computed(std::string_view name, std::string_view help, Type type, Collect collect);
  void computed(const Family& family, Collect collect) {
    computed(family.name, family.help, family.type, std::move(collect));
  }

  // Prometheus text format 0.0.4, families sorted by name. The content type is kContentType.
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  std::string exposition() const;
  // The sum over all series of a gauge; of a counter with what released series had counted, so that it never falls; of
  // a histogram the number of observations; 0 when there is none.
  std::uint64_t total(std::string_view name) const;
  // How many series a family has.
  std::size_t series_count(std::string_view name) const;
  std::uint32_t slots() const;

 private:
  static const base::Clock& steady_clock();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::metrics
