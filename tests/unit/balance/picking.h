// The common part of the tests of strategies: sets of backends and a caller that behaves as the proxy does.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "balance/strategy.h"
#include "base/clock.h"
#include "base/random.h"
#include "pool/backend.h"

namespace weir::balance {

inline pool::BackendEntry entry(std::string id, std::uint32_t weight = 1) {
  return {.backend = std::make_shared<pool::Backend>("pool", id, id, 80), .addresses = nullptr, .weight = weight};
}
// Backends named "a", "b", ... with these weights.
inline pool::BackendSet set_of(std::initializer_list<std::uint32_t> weights) {
  pool::BackendSet set;
  for (std::uint32_t weight : weights)
    set.push_back(entry(std::string(1, static_cast<char>('a' + set.size())), weight));
  return set;
}
// `count` backends of equal weight.
inline pool::BackendSet set_of_size(std::size_t count) {
  pool::BackendSet set;
  for (std::size_t i = 0; i < count; ++i) set.push_back(entry("backend-" + std::to_string(i)));
  return set;
}

// Picks as one worker does. `set` outlives it.
class Picker {
 public:
  Picker(std::string_view name, const pool::BackendSet& set, std::map<std::string, config::OptionValue> options = {},
         const Strategy* previous = nullptr)
      : set_(&set),
        strategy_(make_strategy({.name = std::string(name), .options = std::move(options)}, set, previous)) {}

  std::uint32_t pick(std::uint64_t key = 0, std::span<const std::uint32_t> avoid = {}) {
    PickContext context;
    context.key_hash = key;
    context.now = now;
    context.random = &random;
    context.avoid = avoid;
    return strategy_->pick(context);
  }
  std::uint32_t pick_avoiding(std::vector<std::uint32_t> avoid, std::uint64_t key = 0) { return pick(key, avoid); }
  void start(std::uint32_t index) {
    (*set_)[index].backend->in_flight.fetch_add(1, std::memory_order_relaxed);
    strategy_->started(index);
  }
  std::uint32_t pick_and_start(std::uint64_t key = 0) {
    std::uint32_t index = pick(key);
    start(index);
    return index;
  }
  void finish(std::uint32_t index, base::Nanoseconds latency = std::chrono::milliseconds(1)) {
    (*set_)[index].backend->in_flight.fetch_sub(1, std::memory_order_relaxed);
    strategy_->finished(index, latency, now);
  }
  void respond(std::uint32_t index, base::Nanoseconds latency) { strategy_->responded(index, latency, now); }
  // The ids of this many picks, one letter each.
  std::string letters(int count) {
    std::string result;
    for (int i = 0; i < count; ++i) result += (*set_)[pick()].backend->id();
    return result;
  }
  const Strategy* strategy() const { return strategy_.get(); }

  base::TimePoint now{std::chrono::hours(1)};
  base::Random random{42};

 private:
  const pool::BackendSet* set_;
  std::unique_ptr<Strategy> strategy_;
};

}  // namespace weir::balance
