// The power of two choices (Mitzenmacher 2001): the less loaded of two drawn at random.
#include <vector>

#include "balance/alias_table.h"
#include "balance/avoid.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

// Both are drawn by weight and compared by in-flight / weight; the first one wins a tie. So an idle pool is shared by
// weight exactly, and under load a heavy backend is found as often as it must be: with uniform draws none could get
// more than 2/n of the work, whatever its weight.
class PowerOfTwoChoices final : public Strategy {
 public:
  explicit PowerOfTwoChoices(const pool::BackendSet& backends) : weights_(reduced_weights(backends)), table_(weights_) {
    backends_.reserve(backends.size());
    for (const pool::BackendEntry& entry : backends) backends_.push_back(entry.backend.get());
  }

  std::uint32_t pick(const PickContext& context) override {
    auto size = static_cast<std::uint32_t>(backends_.size());
    if (size == 0) return kNone;
    std::uint32_t first = draw_allowed(context, size, [&](std::uint64_t) { return table_.draw(*context.random); });
    std::uint32_t second = other_than(first, context);
    return second != kNone && load(second) * weights_[first] < load(first) * weights_[second] ? second : first;
  }

 private:
  // A second draw that is neither `first` nor avoided; kNone when there is none.
  std::uint32_t other_than(std::uint32_t first, const PickContext& context) const {
    for (std::size_t tries = 0; tries < 3; ++tries) {
      std::uint32_t drawn = table_.draw(*context.random);
      if (drawn != first && !is_avoided(context, drawn)) return drawn;
    }
    // One backend has nearly all the weight, or few are left: any other one.
    auto size = static_cast<std::uint32_t>(backends_.size());
    if (size == 1) return kNone;
    auto step = static_cast<std::uint32_t>(1 + context.random->below(size - 1));
    std::uint32_t other = next_allowed(context, (first + step) % size, size);
    return other == first || is_avoided(context, other) ? kNone : other;
  }
  std::uint64_t load(std::uint32_t index) const { return backends_[index]->in_flight.load(std::memory_order_relaxed); }

  std::vector<std::uint32_t> weights_;
  AliasTable table_;
  std::vector<const pool::Backend*> backends_;
};

}  // namespace

std::unique_ptr<Strategy> make_p2c(const config::Choice&, const pool::BackendSet& backends, const Strategy*) {
  return std::make_unique<PowerOfTwoChoices>(backends);
}

}  // namespace weir::balance
