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
  LatencyCells latency;

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

  // Counts from now on. The control thread, once or again with the same number.
  void keep(std::uint32_t workers);
  // The cells of the worker that calls; null when nothing is counted, or memory is short.
  TrafficCells* of(std::uint32_t worker) {
    PerWorker* all = all_.load(std::memory_order_acquire);
    if (all == nullptr) return nullptr;
    TrafficCells* mine = all->cells[worker].load(std::memory_order_relaxed);
    return mine != nullptr ? mine : make(*all, worker);
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

  std::atomic<PerWorker*> all_{nullptr};
};

}  // namespace weir::pool
