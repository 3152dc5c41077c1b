#include "pool/backend_traffic.h"

#include <new>

namespace weir::pool {

TrafficCounts& TrafficCounts::operator+=(const TrafficCounts& other) {
  succeeded += other.succeeded;
  failed += other.failed;
  for (std::size_t i = 0; i < latency.size(); ++i) latency[i] += other.latency[i];
  return *this;
}

TrafficCounts& TrafficCounts::operator-=(const TrafficCounts& other) {
  succeeded -= other.succeeded;
  failed -= other.failed;
  for (std::size_t i = 0; i < latency.size(); ++i) latency[i] -= other.latency[i];
  return *this;
}

BackendTraffic::~BackendTraffic() {
  PerWorker* all = all_.load(std::memory_order_acquire);
  if (all == nullptr) return;
  for (std::uint32_t i = 0; i < all->workers; ++i) delete all->cells[i].load(std::memory_order_acquire);
  delete all;
}

void BackendTraffic::keep(std::uint32_t workers, bool with_latency) {
  if (with_latency) with_latency_.store(true, std::memory_order_relaxed);
  if (all_.load(std::memory_order_relaxed) != nullptr) return;
  auto made = std::make_unique<PerWorker>(workers, std::make_unique<std::atomic<TrafficCells*>[]>(workers));
  all_.store(made.release(), std::memory_order_release);
}

TrafficCells* BackendTraffic::make(PerWorker& all, std::uint32_t worker) {
  auto* made = new (std::nothrow) TrafficCells;
  if (made != nullptr) all.cells[worker].store(made, std::memory_order_release);
  return made;
}

LatencyCells* BackendTraffic::make_latency(TrafficCells& mine) {
  auto* made = new (std::nothrow) LatencyCells;
  if (made != nullptr) mine.latency.store(made, std::memory_order_release);
  return made;
}

TrafficCounts BackendTraffic::sum() const {
  TrafficCounts counts;
  const PerWorker* all = all_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; all != nullptr && i < all->workers; ++i) {
    const TrafficCells* cells = all->cells[i].load(std::memory_order_acquire);
    if (cells == nullptr) continue;
    counts.succeeded += cells->succeeded.load(std::memory_order_relaxed);
    counts.failed += cells->failed.load(std::memory_order_relaxed);
    const LatencyCells* latency = cells->latency.load(std::memory_order_acquire);
    if (latency != nullptr) latency->add_to(counts.latency);
  }
  return counts;
}

bool BackendTraffic::has_counts() const {
  const PerWorker* all = all_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; all != nullptr && i < all->workers; ++i) {
    if (all->cells[i].load(std::memory_order_relaxed) != nullptr) return true;
  }
  return false;
}

}  // namespace weir::pool
