// How a call that blocks a thread of its own and the caller that waits for it agree on its end.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace weir::store {

// Shared by two threads. The caller may stop waiting at any time; whether the call has changed anything by then is
// decided in one place.
class Patience {
 public:
  // The call itself gives up after `limit`, so that it can say why.
  explicit Patience(base::Nanoseconds limit) : give_up_at_(base::now() + limit) {}

  // -- the call
  // It is to end soon, without having changed anything.
  bool is_over() const { return stage_.load() == Stage::abandoned || base::now() >= give_up_at_; }
  // Right before what cannot be taken back. False: nobody waits any more, and it must not take place.
  bool begin_commit() {
    Stage before = Stage::open;
    return stage_.compare_exchange_strong(before, Stage::committing);
  }

  // -- the caller
  // Stops waiting. False: too late, the change may take place.
  bool abandon() {
    Stage before = Stage::open;
    return stage_.compare_exchange_strong(before, Stage::abandoned) || before == Stage::abandoned;
  }

 private:
  enum class Stage : std::uint8_t { open, committing, abandoned };
  std::atomic<Stage> stage_{Stage::open};
  base::TimePoint give_up_at_;
};

}  // namespace weir::store
