// The lowest expected wait: latency estimate * (in flight + 1) / weight, exactly, over all workers.
//
// Exact rather than the better of a few drawn at random: in-flight counts are live, so nobody herds to a backend on
// stale news, and since all estimates decay alike (LatencyEstimate::rank) the order changes only by events, which is
// what a Tournament needs.
//
// A backend without an estimate gets one request before all others, and no second one before the first has ended (or
// all others are in the same state): it is neither starved nor flooded. One that has been slow or failing is tried
// again when its estimate has decayed, e-fold in 10 s against those that are in use.
#include <array>
#include <cmath>
#include <vector>

#include "balance/latency.h"
#include "balance/recency.h"
#include "balance/tournament.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

class ShortestWait {
 public:
  explicit ShortestWait(const pool::BackendSet& backends) {
    std::vector<std::uint32_t> weights = reduced_weights(backends);
    entries_.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
      entries_.push_back({backends[i].backend.get(), std::log2(static_cast<double>(weights[i]))});
    }
    for (std::uint32_t i = 0; i < logarithms_.size(); ++i) logarithms_[i] = static_cast<float>(std::log2(i + 1));
  }
  pool::Backend& backend(std::uint32_t index) const { return *entries_[index].backend; }

  bool before(std::uint32_t a, std::uint32_t b) const {
    double wait_a = wait(entries_[a]);
    double wait_b = wait(entries_[b]);
    return wait_a != wait_b ? wait_a < wait_b : picked_before(backend(a), backend(b));
  }

 private:
  struct Entry {
    pool::Backend* backend;
    double weight_octaves;
  };

  // log2 of the expected wait, up to a constant. Ranks lie within +-1e9; the two kinds without one far outside.
  double wait(const Entry& entry) const {
    std::uint32_t in_flight = entry.backend->in_flight.load();
    LatencyEstimate estimate(entry.backend->latency_estimate.load());
    if (estimate.exists()) return estimate.rank() + log2_of_next(in_flight) - entry.weight_octaves;
    return in_flight == 0 ? -1e12 : 1e12 + log2_of_next(in_flight) - entry.weight_octaves;
  }
  // log2(count + 1)
  double log2_of_next(std::uint32_t count) const {
    return count < logarithms_.size() ? static_cast<double>(logarithms_[count]) : std::log2(count + 1.0);
  }

  std::vector<Entry> entries_;
  std::array<float, 256> logarithms_;
};

class LeastResponseTime final : public Strategy {
 public:
  LeastResponseTime(const pool::BackendSet& backends, const Strategy* previous)
      : cursor_(joined(backends, previous)),
        tournament_(static_cast<std::uint32_t>(backends.size()), ShortestWait(backends)) {}

  std::uint32_t pick(const PickContext& context) override {
    std::uint32_t index = tournament_.first(context);
    if (index == kNone) return kNone;
    std::uint64_t turn = cursor_->take();
    backend(index).last_picked.store(static_cast<std::uint32_t>(turn), std::memory_order_relaxed);
    tournament_.update(index);
    tournament_.heal(turn);
    return index;
  }
  void started(std::uint32_t index) override { tournament_.update(index); }
  void responded(std::uint32_t index, base::Nanoseconds latency, base::TimePoint now) override {
    finished(index, latency, now);
  }
  void finished(std::uint32_t index, base::Nanoseconds latency, base::TimePoint now) override {
    if (latency != kToldBefore) learn(index, latency, now);
    tournament_.update(index);
  }

  const std::shared_ptr<Cursor>& cursor() const { return cursor_; }

 private:
  void learn(std::uint32_t index, base::Nanoseconds latency, base::TimePoint now) {
    std::atomic<std::uint64_t>& packed = backend(index).latency_estimate;
    std::uint64_t old = packed.load(std::memory_order_relaxed);
    LatencyEstimate next;
    do {
      LatencyEstimate estimate(old);
      next = latency > base::Nanoseconds::zero() ? estimate.after(latency, now) : estimate.after_failure(now);
    } while (!packed.compare_exchange_weak(old, next.packed(), std::memory_order_relaxed));
  }
  static std::shared_ptr<Cursor> joined(const pool::BackendSet& backends, const Strategy* previous) {
    std::shared_ptr<Cursor> cursor = cursor_after<LeastResponseTime>(previous);
    join_recency(*cursor, backends);
    return cursor;
  }
  pool::Backend& backend(std::uint32_t index) const { return tournament_.order().backend(index); }

  std::shared_ptr<Cursor> cursor_;
  Tournament<ShortestWait> tournament_;
};

}  // namespace

std::unique_ptr<Strategy> make_least_response_time(const config::Choice&, const pool::BackendSet& backends,
                                                   const Strategy* previous) {
  return std::make_unique<LeastResponseTime>(backends, previous);
}

}  // namespace weir::balance
