// Dates as HTTP writes them (RFC 9110 5.6.7).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::http {

inline constexpr std::size_t kDateBytes = 29;

// "Sun, 06 Nov 1994 08:49:37 GMT". `unix_seconds` from 0 (1970) to 253402300799 (the end of 9999); others are clamped.
void format_date(std::int64_t unix_seconds, std::span<char, kDateBytes> out);

// The value of Date, formatted once a second. One per worker; not thread-safe.
class DateCache {
 public:
  // The view is good until the next call.
  std::string_view at(std::int64_t unix_seconds);

 private:
  std::int64_t formatted_ = INT64_MIN;
  std::array<char, kDateBytes> text_{};
};

}  // namespace weir::http
