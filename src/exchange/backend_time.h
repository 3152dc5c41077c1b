// The time that is the backend's own, without what the client, filters, queues and earlier tries took.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace weir::exchange {

// How a try asked its backend.
struct Asked {
  base::TimePoint at{};            // when the header of the request went out; the start of time: it did not
  base::TimePoint body_sent_at{};  // when the last piece of a body followed it; before `at`: it went with it
  bool in_full = false;            // the whole request was sent
};

// From when the backend had the whole request to `now`. Zero: it has not had it then.
constexpr base::Nanoseconds time_since_asked(const Asked& asked, base::TimePoint now) {
  if (!asked.in_full || asked.at == base::TimePoint()) return base::Nanoseconds(0);
  return std::max(base::Nanoseconds(0), base::Nanoseconds(now - std::max(asked.at, asked.body_sent_at)));
}

// Whether the end of a time that began before the try, at `now`, is the backend's doing: it had at least half of it.
constexpr bool is_late_by_backend(const Asked& asked, base::TimePoint now, base::Nanoseconds time) {
  return asked.in_full && 2 * time_since_asked(asked, now) >= time;
}

}  // namespace weir::exchange
