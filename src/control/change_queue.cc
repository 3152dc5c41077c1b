#include "control/change_queue.h"

#include <algorithm>

namespace weir::control {

net::Task<base::Result<ChangeQueue::Turn>> ChangeQueue::enter(base::TimePoint deadline) {
  if (is_taken_) {
    if (waiting_.size() >= bound_) co_return base::fail(base::ErrorCode::queue_full, "too many changes wait");
    net::Waiter waiter;
    waiting_.push_back(&waiter);
    base::Result<void> woken = co_await waiter.wait_until(deadline);
    if (!woken) {
      std::erase(waiting_, &waiter);
      co_return std::unexpected(woken.error());
    }
  }
  is_taken_ = true;
  co_return Turn(*this);
}

std::optional<ChangeQueue::Turn> ChangeQueue::try_enter() {
  if (std::exchange(is_taken_, true)) return std::nullopt;
  return Turn(*this);
}

void ChangeQueue::leave() {
  if (waiting_.empty()) {
    is_taken_ = false;
    return;
  }
  waiting_.front()->wake();
  waiting_.pop_front();
}

}  // namespace weir::control
