// The fewest in flight per unit of weight, exactly, over all workers; among equals the one picked longest ago.
#include <vector>

#include "balance/recency.h"
#include "balance/tournament.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

class FewestInFlight {
 public:
  explicit FewestInFlight(const pool::BackendSet& backends) {
    std::vector<std::uint32_t> weights = reduced_weights(backends);
    entries_.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
      entries_.push_back({backends[i].backend.get(), weights[i]});
    }
  }
  pool::Backend& backend(std::uint32_t index) const { return *entries_[index].backend; }

  bool before(std::uint32_t a, std::uint32_t b) const {
    std::uint64_t load_a = std::uint64_t{backend(a).in_flight.load()} * entries_[b].weight;
    std::uint64_t load_b = std::uint64_t{backend(b).in_flight.load()} * entries_[a].weight;
    return load_a != load_b ? load_a < load_b : picked_before(backend(a), backend(b));
  }

 private:
  struct Entry {
    pool::Backend* backend;
    std::uint32_t weight;
  };
  std::vector<Entry> entries_;
};

class LeastConnections final : public Strategy {
 public:
  LeastConnections(const pool::BackendSet& backends, const Strategy* previous)
      : cursor_(joined(backends, previous)),
        tournament_(static_cast<std::uint32_t>(backends.size()), FewestInFlight(backends)) {}

  // Until the caller has counted the request, others may pick the same backend. They do so at most once each when it
  // alone has the fewest, and not at all when others have as few: it counts as picked from here on.
  std::uint32_t pick(const PickContext& context) override {
    std::uint32_t index = tournament_.first(context);
    if (index == kNone) return kNone;
    std::uint64_t turn = cursor_->take();
    tournament_.order().backend(index).last_picked.store(static_cast<std::uint32_t>(turn), std::memory_order_relaxed);
    tournament_.update(index);
    tournament_.heal(turn);
    return index;
  }
  void started(std::uint32_t index) override { tournament_.update(index); }
  void finished(std::uint32_t index, base::Nanoseconds, base::TimePoint) override { tournament_.update(index); }

  const std::shared_ptr<Cursor>& cursor() const { return cursor_; }

 private:
  static std::shared_ptr<Cursor> joined(const pool::BackendSet& backends, const Strategy* previous) {
    std::shared_ptr<Cursor> cursor = cursor_after<LeastConnections>(previous);
    join_recency(*cursor, backends);
    return cursor;
  }

  std::shared_ptr<Cursor> cursor_;
  Tournament<FewestInFlight> tournament_;
};

}  // namespace

std::unique_ptr<Strategy> make_least_connections(const config::Choice&, const pool::BackendSet& backends,
                                                 const Strategy* previous) {
  return std::make_unique<LeastConnections>(backends, previous);
}

}  // namespace weir::balance
