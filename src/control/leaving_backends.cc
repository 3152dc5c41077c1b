#include "control/leaving_backends.h"

#include <algorithm>

namespace weir::control {
namespace {

// Between two looks at what has left for backends that nothing uses any more: until then their memory is kept.
constexpr auto kForgetPause = std::chrono::seconds(1);

}  // namespace

void LeavingBackends::leave(const std::shared_ptr<pool::Backend>& backend, base::TimePoint now,
                            base::Nanoseconds timeout, bool is_removed) {
  base::TimePoint when = now + timeout;
  backend->cut_off = false;
  leaving_[backend.get()] = {.backend = backend, .when = when, .is_removed = is_removed};
  next_due_ = std::min({next_due_, when, now + kForgetPause});
}

void LeavingBackends::cut_off(base::TimePoint now) {
  if (now < next_due_) return;
  next_due_ = base::TimePoint::max();
  std::erase_if(leaving_, [&](const auto& entry) {
    const Leaving& one = entry.second;
    std::shared_ptr<pool::Backend> backend = one.backend.lock();
    if (backend == nullptr) return true;
    if (one.when > now) {
      next_due_ = std::min({next_due_, one.when, now + kForgetPause});
      return false;
    }
    auto state = backend->state.load();
    bool is_back = !one.is_removed && state != pool::BackendState::draining && state != pool::BackendState::disabled;
    if (is_back) return true;
    backend->cut_off = true;
    for (front::WorkerThread* worker : workers_) worker->break_connections(backend);
    return true;
  });
}

}  // namespace weir::control
