// Gives memory that a burst has left to the system, and refills the reserve.
#pragma once

#include "base/clock.h"
#include "front/worker_thread.h"
#include "worker/services.h"

namespace weir::control {

// Control thread only.
class MemoryUpkeep {
 public:
  // Borrowed; outlive this.
  MemoryUpkeep(worker::Services& services, const std::vector<front::WorkerThread*>& workers)
      : services_(services), workers_(workers) {}

  // Call it about once a second.
  void tick(base::TimePoint now);

 private:
  void refill(base::TimePoint now);

  worker::Services& services_;
  const std::vector<front::WorkerThread*>& workers_;
  base::TimePoint next_complaint_{};
  base::TimePoint next_give_back_{};
  base::TimePoint next_trim_{};
};

}  // namespace weir::control
