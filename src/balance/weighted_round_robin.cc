// Smooth weighted round robin over all workers: one cursor into a cycle computed beforehand.
#include <algorithm>
#include <vector>

#include "balance/cursor.h"
#include "balance/hash_key.h"
#include "balance/weighted_schedule.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

// The longest cycle that is laid out, and how many different weights times its length are worth the time (about 8 ms).
// Beyond either (hundreds of backends of very different weights) turn t goes to the backend that owns position frac(t *
// golden ratio) of the line on which each has a stretch of its weight. That sequence has the lowest discrepancy of its
// kind (Knuth, TAOCP 3, 6.4): after any number of turns each backend is within O(log turns) of its share, and a backend
// with less than 0.38 of the weight never comes twice in a row.
constexpr std::uint64_t kLongestCycle = 65'536;
constexpr std::uint64_t kMostSteps = 4'000'000;

bool has_moderate_cycle(const std::vector<std::uint32_t>& weights) {
  std::uint64_t length = sum_of(weights);
  if (length > kLongestCycle) return false;
  std::vector<std::uint32_t> different(weights);
  std::ranges::sort(different);
  auto [end, last] = std::ranges::unique(different);
  return length * static_cast<std::uint64_t>(end - different.begin()) <= kMostSteps;
}

class WeightedRoundRobin final : public Strategy {
 public:
  WeightedRoundRobin(const pool::BackendSet& backends, const Strategy* previous)
      : size_(static_cast<std::uint32_t>(backends.size())), cursor_(cursor_after<WeightedRoundRobin>(previous)) {
    std::vector<std::uint32_t> weights = reduced_weights(backends);
    if (has_moderate_cycle(weights)) {
      schedule_ = smooth_schedule(weights);
    } else {
      ends_.resize(size_);
      std::inclusive_scan(weights.begin(), weights.end(), ends_.begin(), std::plus<>(), std::uint64_t{0});
    }
  }

  std::uint32_t pick(const PickContext& context) override {
    if (size_ == 0) return kNone;
    if (!schedule_.empty()) {
      return take_turn(*cursor_, context, size_,
                       [this](std::uint64_t turn) { return schedule_[turn % schedule_.size()]; });
    }
    return take_turn(*cursor_, context, size_, [this](std::uint64_t turn) { return on_line(turn); });
  }

  const std::shared_ptr<Cursor>& cursor() const { return cursor_; }

 private:
  std::uint32_t on_line(std::uint64_t turn) const {
    std::uint64_t position = scale(turn * 0x9e3779b97f4a7c15u, ends_.back());
    return static_cast<std::uint32_t>(std::ranges::upper_bound(ends_, position) - ends_.begin());
  }

  std::uint32_t size_;
  std::vector<std::uint32_t> schedule_;  // one cycle, or empty
  std::vector<std::uint64_t> ends_;      // where each backend's stretch of the line ends, or empty
  std::shared_ptr<Cursor> cursor_;
};

}  // namespace

std::unique_ptr<Strategy> make_weighted_round_robin(const config::Choice&, const pool::BackendSet& backends,
                                                    const Strategy* previous) {
  return std::make_unique<WeightedRoundRobin>(backends, previous);
}

}  // namespace weir::balance
