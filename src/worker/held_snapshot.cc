#include "worker/held_snapshot.h"

#include <new>

namespace weir::worker {

void HeldSnapshot::remove_user() {
  if (--users_ > 0) return;
  try {
    if (control_ != nullptr) control_->post([old = std::move(snapshot_)]() mutable { old.reset(); });
  } catch (const std::bad_alloc&) {
    // Then it went here.
  }
  delete this;
}

}  // namespace weir::worker
