#include "exchange/pace.h"

#include <utility>

namespace weir::exchange {

void Pace::arm() {
  net::Reactor& reactor = net::Reactor::current();
  reactor.timers().arm(*this, reactor.tick(since_ + (half_ - waited_)));
}

void Pace::on_timer() {
  if (!waiting_) return;  // the next wait arms again
  base::TimePoint now = net::Reactor::current().now();
  waited_ += now - std::exchange(since_, now);
  if (waited_ < half_) return arm();
  std::uint64_t now_moved = owner_->moved(direction_);
  if (looks_ == 2) {
    double asked_for = std::chrono::duration<double>(waited_ + waited_before_).count() * bytes_per_second_;
    if (static_cast<double>(now_moved - moved_before_) < asked_for) {
      PaceOwner* owner = std::exchange(owner_, nullptr);
      return owner->too_slow(direction_);
    }
  } else {
    ++looks_;
  }
  moved_before_ = std::exchange(moved_, now_moved);
  waited_before_ = std::exchange(waited_, {});
  arm();
}

}  // namespace weir::exchange
