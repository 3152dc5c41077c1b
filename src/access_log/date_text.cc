#include "access_log/date_text.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace weir::access_log {

void DateText::render(std::int64_t unix_second) {
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::int64_t kLast = 253'402'300'799;  // 9999-12-31T23:59:59
  std::chrono::sys_seconds time{std::chrono::seconds(std::clamp<std::int64_t>(unix_second, 0, kLast))};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  auto year = static_cast<int>(date.year());
  auto month = static_cast<unsigned>(date.month());
  auto day_of_month = static_cast<unsigned>(date.day());
  auto hour = clock.hours().count(), minute = clock.minutes().count(), second = clock.seconds().count();
  fmt::format_to(rfc3339_.data(), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", year, month, day_of_month, hour, minute,
                 second);
  fmt::format_to(clf_.data(), "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", day_of_month, kMonths[month - 1], year, hour,
                 minute, second);
  second_ = unix_second;
}

}  // namespace weir::access_log
