// The error log: for people, a few lines a minute. Never used once per request; that is the access log's work.
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace weir::base {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// Writes one line to stderr with time and level. Thread-safe. Lines below the level set are dropped.
void log_line(LogLevel level, std::string_view message);
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::warning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::error, format, std::forward<Args>(args)...);
}

}  // namespace weir::base
