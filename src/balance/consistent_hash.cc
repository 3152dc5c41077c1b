// By a key on a ring, so that a change of the set moves few keys, and no backend gets much more than its share of the
// load in progress (Mirrokni, Thorup, Zadimoghaddam 2016: "Consistent Hashing with Bounded Loads").
#include <array>
#include <atomic>
#include <cmath>
#include <vector>

#include "balance/avoid.h"
#include "balance/hash_key.h"
#include "balance/ring.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

// Points to pass by before the least loaded backend seen is taken. At load factor c at most 1/c of the weight can be
// full, so with the default of 1.25 walking this far has a chance below 1e-4.
constexpr int kLongestWalk = 48;

const std::array<config::OptionSpec, 2>& option_specs() {
  static const std::array<config::OptionSpec, 2> kOptions{
      hash_key_option(),
      config::OptionSpec{
          .key = "load_factor",
          .type = config::OptionType::number,
          .default_value = 1.25,
          .min = 1,
          .max = 1e6,
          .summary = "how many times its share of the requests in progress a backend may have before the next one on "
                     "the ring is taken; a large number turns the bound off"}};
  return kOptions;
}

// Requests in progress that a consistent_hash of this pool began: outlives a change of the set, as they do. Those that
// another strategy began count on their backends but not here, so the bound is tighter until they have ended.
struct alignas(64) InProgress {
  std::atomic<std::int64_t> count{0};
};

class ConsistentHash final : public Strategy {
 public:
  ConsistentHash(const config::Choice& choice, const pool::BackendSet& backends, const Strategy* previous)
      : key_(hash_key_of(choice)), ring_(backends) {
    const auto* same = dynamic_cast<const ConsistentHash*>(previous);
    in_progress_ = same != nullptr ? same->in_progress_ : std::make_shared<InProgress>();
    std::vector<std::uint32_t> weights = reduced_weights(backends);
    double load_factor = option_or_default<double>(choice, option_specs()[1]);
    double sum = static_cast<double>(sum_of(weights));
    entries_.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
      entries_.push_back({backends[i].backend.get(), load_factor * weights[i] / sum});
    }
  }

  std::uint32_t pick(const PickContext& context) override {
    if (entries_.empty()) return kNone;
    auto total = static_cast<double>(in_progress_->count.load(std::memory_order_relaxed) + 1);
    std::size_t position = ring_.find(rehash(context.key_hash, 0));
    std::uint32_t home = ring_.backend_at(position);
    std::uint32_t best = kNone;
    double least_load = INFINITY;
    for (int steps = 0; steps < kLongestWalk; ++steps, position = ring_.next(position)) {
      std::uint32_t index = ring_.backend_at(position);
      if (index == best || is_avoided(context, index)) continue;
      const Entry& entry = entries_[index];
      double in_flight = entry.backend->in_flight.load(std::memory_order_relaxed);
      if (in_flight < std::ceil(entry.share * total)) return index;
      if (in_flight / entry.share < least_load) {
        best = index;
        least_load = in_flight / entry.share;
      }
    }
    return best != kNone ? best : next_allowed(context, home, static_cast<std::uint32_t>(entries_.size()));
  }

  void started(std::uint32_t) override { in_progress_->count.fetch_add(1, std::memory_order_relaxed); }
  void finished(std::uint32_t, base::Nanoseconds, base::TimePoint) override {
    in_progress_->count.fetch_sub(1, std::memory_order_relaxed);
  }
  HashKeySource hash_key() const override { return key_; }

 private:
  struct Entry {
    const pool::Backend* backend;
    double share;  // of the requests in progress that it may have: load factor * weight / sum of weights
  };

  HashKeySource key_;
  Ring ring_;
  std::vector<Entry> entries_;
  std::shared_ptr<InProgress> in_progress_;
};

}  // namespace

std::span<const config::OptionSpec> consistent_hash_options() { return option_specs(); }

std::unique_ptr<Strategy> make_consistent_hash(const config::Choice& choice, const pool::BackendSet& backends,
                                               const Strategy* previous) {
  return std::make_unique<ConsistentHash>(choice, backends, previous);
}

}  // namespace weir::balance
