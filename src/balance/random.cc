// Drawn at random by weight.
#include "balance/alias_table.h"
#include "balance/avoid.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

class WeightedRandom final : public Strategy {
 public:
  explicit WeightedRandom(const pool::BackendSet& backends)
      : size_(static_cast<std::uint32_t>(backends.size())), table_(reduced_weights(backends)) {}

  std::uint32_t pick(const PickContext& context) override {
    if (size_ == 0) return kNone;
    return draw_allowed(context, size_, [&](std::uint64_t) { return table_.draw(*context.random); });
  }

 private:
  std::uint32_t size_;
  AliasTable table_;
};

}  // namespace

std::unique_ptr<Strategy> make_random(const config::Choice&, const pool::BackendSet& backends, const Strategy*) {
  return std::make_unique<WeightedRandom>(backends);
}

}  // namespace weir::balance
