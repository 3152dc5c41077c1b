#include "control/memory_upkeep.h"

#include <malloc.h>

#include "base/log.h"
#include "base/memory_reserve.h"
#include "metrics/process.h"

namespace weir::control {

using std::chrono::seconds;

// Without the reserve new work is refused.
void MemoryUpkeep::refill(base::TimePoint now) {
  constexpr auto kComplainEvery = seconds(60);
  if (base::memory_reserve::is_whole()) return;
  bool again = base::memory_reserve::refill();
  if (now < next_complaint_) return;
  next_complaint_ = now + kComplainEvery;
  base::log_error("memory could not be had: new connections and requests are refused {}; raise the limit on memory",
                  again ? "no more" : "until it can");
}

void MemoryUpkeep::tick(base::TimePoint now) {
  constexpr auto kGiveBackEvery = seconds(5);
  constexpr auto kTrimEvery = seconds(60);
  constexpr std::size_t kWorthIt = 4 * 1024 * 1024;
  constexpr std::size_t kUsualBytes = 64 * 1024 * 1024;
  refill(now);
  if (now < next_give_back_) return;
  next_give_back_ = now + kGiveBackEvery;
  for (front::WorkerThread* worker : workers_) worker->give_back_memory();
  // Workers give memory back to the heap, where closed connections leave theirs too. The heap is trimmed when it holds
  // enough to be worth the time.
  bool is_much = services_.given_back.load(std::memory_order_relaxed) >= kWorthIt;
  if (!is_much && (now < next_trim_ || metrics::resident_bytes() < kUsualBytes)) return;
  malloc_trim(0);
  services_.given_back.store(0, std::memory_order_relaxed);
  next_trim_ = now + kTrimEvery;
}

}  // namespace weir::control
