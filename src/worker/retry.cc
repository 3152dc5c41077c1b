#include "worker/retry.h"

#include <string_view>

#include "base/out_of_memory.h"

namespace weir::worker {

using base::ErrorCode;
using base::Side;

Retry retry_after(const base::Error& error, const RetryFacts& work) {
  if (!work.can_repeat || error.side == Side::client || error.code == ErrorCode::cancelled) return Retry::no;
  if (error.side == Side::ours && error.code == ErrorCode::timeout) return Retry::no;  // has waited long enough
  // A retry needs as much.
  if (std::string_view(error.what) == base::kOutOfMemory.what) return Retry::no;
  // The backend may still be at work on it, and the same time is not waited for twice: only a connection that could not
  // be opened in time is another backend's chance.
  if (error.code == ErrorCode::timeout && !error.retry_helps) return Retry::no;
  bool never_reached = error.retry_helps && !work.stale;
  if (!never_reached && !work.is_idempotent) return Retry::no;
  return work.stale && !work.was_repeated ? Retry::same_backend : Retry::another_backend;
}

}  // namespace weir::worker
