#include "worker/refusal_log.h"

#include <algorithm>

#include "base/log.h"

namespace weir::worker {

std::optional<std::uint64_t> RefusalLog::take_line(Refusal why, base::TimePoint when) {
  constexpr std::int64_t kStep = base::Nanoseconds(kEvery).count();
  Reason& reason = reasons_[static_cast<std::size_t>(why)];
  std::int64_t now = when.time_since_epoch().count();
  std::int64_t due = reason.next_due.load(std::memory_order_relaxed);
  std::int64_t from = 0;
  do {
    from = std::max(due, now);
    if (from - now > kStep * (kBurst - 1)) {
      reason.left_out.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
  } while (!reason.next_due.compare_exchange_weak(due, from + kStep, std::memory_order_relaxed));
  return reason.left_out.exchange(0, std::memory_order_relaxed);
}

void RefusalLog::note(std::string_view listener, Refusal why, const base::IpAddress& client, base::TimePoint now) {
  std::optional<std::uint64_t> left_out = take_line(why, now);
  if (!left_out) return;
  if (*left_out == 0) {
    base::log_warning("listener {}: {} refused: {} ({})", listener, client.to_string(), name(why), key_of(why));
  } else {
    base::log_warning("listener {}: {} refused: {} ({}); {} more since the last such line", listener,
                      client.to_string(), name(why), key_of(why), *left_out);
  }
}

}  // namespace weir::worker
