// Results of a backend's traffic, counted by each worker for itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "pool/latency_cells.h"

namespace weir::pool {

// Sums over all workers since the start, which wrap, or the difference of two.
struct TrafficCounts {
  std::uint32_t succeeded = 0;
  std::uint32_t failed = 0;
  LatencyCounts latency{};  // to the first byte, of requests that were answered

  std::uint32_t total() const { return succeeded + failed; }
  // Of the requests, 0..1; 1 without any.
  double success_rate() const { return total() == 0 ? 1 : static_cast<double>(succeeded) / total(); }
  TrafficCounts& operator+=(const TrafficCounts& other);
  TrafficCounts& operator-=(const TrafficCounts& other);
};

// One worker's part. Only that worker writes.
struct alignas(64) TrafficCells {
  std::atomic<std::uint32_t> succeeded{0};
  std::atomic<std::uint32_t> failed{0};
  std::atomic<LatencyCells*> latency{nullptr};  // owned; null until there is one to count

  TrafficCells() = default;
  TrafficCells(const TrafficCells&) = delete;
  TrafficCells& operator=(const TrafficCells&) = delete;
  ~TrafficCells() { delete latency.load(std::memory_order_acquire); }
  void count(std::atomic<std::uint32_t>& which) {
    which.store(which.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

// Without memory until somebody asks for counts, and then for each worker that gets work for the backend.
class BackendTraffic {
 public:
  BackendTraffic() = default;
  BackendTraffic(const BackendTraffic&) = delete;
  BackendTraffic& operator=(const BackendTraffic&) = delete;
  ~BackendTraffic();

  // Counts from now on, with latencies where anybody has asked for them. The control thread, once or again with the
  // same number of workers.
  void keep(std::uint32_t workers, bool with_latency);
  // The cells of the worker that calls; null when nothing is counted, or memory is short.
  TrafficCells* of(std::uint32_t worker) {
    PerWorker* all = all_.load(std::memory_order_acquire);
    if (all == nullptr) return nullptr;
    TrafficCells* mine = all->cells[worker].load(std::memory_order_relaxed);
    return mine != nullptr ? mine : make(*all, worker);
  }
  // Adds to the cells of the worker that calls, where latencies are counted and memory is not short.
  void add_latency(TrafficCells& mine, base::Nanoseconds latency) {
    if (!with_latency_.load(std::memory_order_relaxed)) return;
    LatencyCells* cells = mine.latency.load(std::memory_order_relaxed);
    if (cells == nullptr) cells = make_latency(mine);
    if (cells != nullptr) cells->add(latency);
  }
  // Any thread.
  TrafficCounts sum() const;
  // Whether a worker has counted anything yet.
  bool has_counts() const;

 private:
  struct PerWorker {
    std::uint32_t workers;
    std::unique_ptr<std::atomic<TrafficCells*>[]> cells;
  };
  static TrafficCells* make(PerWorker& all, std::uint32_t worker);
  static LatencyCells* make_latency(TrafficCells& mine);

  std::atomic<PerWorker*> all_{nullptr};
  std::atomic<bool> with_latency_{false};
};

}  // namespace weir::pool
