#include "http/date.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace weir::http {

void format_date(std::int64_t unix_seconds, std::span<char, kDateBytes> out) {
  constexpr std::int64_t kEndOfTime = 253402300799;  // 9999-12-31 23:59:59
  constexpr const char* kDays = "SunMonTueWedThuFriSat";
  constexpr const char* kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::chrono::sys_seconds time{std::chrono::seconds(std::clamp<std::int64_t>(unix_seconds, 0, kEndOfTime))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  auto two = [&out](std::size_t at, unsigned value) {
    out[at] = static_cast<char>('0' + value / 10);
    out[at + 1] = static_cast<char>('0' + value % 10);
  };
  std::memcpy(out.data(), "Day, 00 Mon 0000 00:00:00 GMT", kDateBytes);
  std::memcpy(out.data(), kDays + 3 * std::chrono::weekday(day).c_encoding(), 3);
  std::memcpy(out.data() + 8, kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  two(5, static_cast<unsigned>(date.day()));
  two(12, year / 100);
  two(14, year % 100);
  two(17, static_cast<unsigned>(clock.hours().count()));
  two(20, static_cast<unsigned>(clock.minutes().count()));
  two(23, static_cast<unsigned>(clock.seconds().count()));
}

std::string_view DateCache::at(std::int64_t unix_seconds) {
  if (unix_seconds != formatted_) {
    format_date(unix_seconds, text_);
    formatted_ = unix_seconds;
  }
  return {text_.data(), text_.size()};
}

}  // namespace weir::http
