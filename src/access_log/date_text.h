// Dates as lines of the access log show them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::access_log {

// The text of the second that was written last, so that a date is formatted once a second. One per worker.
class DateText {
 public:
  static constexpr std::size_t kRfc3339Bytes = 20;  // "2026-07-21T06:44:11."
  static constexpr std::size_t kClfBytes = 26;      // "21/Jul/2026:06:44:11 +0000"

  DateText() { render(0); }
  // Both are UTC and valid until the next call. Times outside the years 1970 to 9999 are written as the nearest inside.
  const char* rfc3339(std::int64_t unix_second) { return refresh(unix_second), rfc3339_.data(); }
  const char* clf(std::int64_t unix_second) { return refresh(unix_second), clf_.data(); }

 private:
  void refresh(std::int64_t unix_second) {
    if (unix_second != second_) render(unix_second);
  }
  void render(std::int64_t unix_second);

  std::int64_t second_ = 0;
  std::array<char, 32> rfc3339_{};
  std::array<char, 32> clf_{};
};

}  // namespace weir::access_log
