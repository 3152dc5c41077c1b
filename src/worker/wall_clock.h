// Wall-clock time without a system call each time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "http/date.h"

namespace weir::worker {

// Reads the system's clock at most once a second. Not thread-safe.
class WallClock {
 public:
  // Milliseconds since 1970 at `now` of the steady clock.
  std::int64_t unix_ms(base::TimePoint now) {
    auto since = now - read_at_;
    if (since >= std::chrono::milliseconds(1000) || unix_ms_ == 0) {
      read_at_ = now;
      unix_ms_ = base::unix_milliseconds();
      since = {};
    }
    return unix_ms_ + std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  }

  // The same as the value of a Date field (RFC 9110 5.6.7), valid until the next call.
  std::string_view date(base::TimePoint now) { return dates_.at(unix_ms(now) / 1000); }

 private:
  base::TimePoint read_at_{};
  std::int64_t unix_ms_ = 0;
  http::DateCache dates_;
};

}  // namespace weir::worker
