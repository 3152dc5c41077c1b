// Backends that take no new work, until their drain timeout is over.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "front/worker_thread.h"
#include "pool/backend.h"

namespace weir::control {

// Control thread only. Keeps no backend alive that nothing else uses.
class LeavingBackends {
 public:
  // Borrowed; outlive this.
  explicit LeavingBackends(const std::vector<front::WorkerThread*>& workers) : workers_(workers) {}

  // The drain timeout of a backend that was drained, disabled or removed begins, or begins anew.
  void leave(const std::shared_ptr<pool::Backend>& backend, base::TimePoint now, base::Nanoseconds timeout,
             bool is_removed);
  // Closes what is in progress where the drain timeout has passed, and forgets the backends that nothing uses any more.
  void cut_off(base::TimePoint now);
  // When cut_off() has something to do.
  base::TimePoint next_due() const { return next_due_; }

 private:
  struct Leaving {
    std::weak_ptr<pool::Backend> backend;
    base::TimePoint when;
    bool is_removed = false;
  };
  const std::vector<front::WorkerThread*>& workers_;
  std::map<const pool::Backend*, Leaving> leaving_;
  base::TimePoint next_due_ = base::TimePoint::max();
};

}  // namespace weir::control
