// The fields an access-log line can have. Templates name them as %{field}; the json and combined formats use them too.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::config {

// In the order of the names below.
enum class LogField : std::uint8_t {
  time,
  client,
  client_port,
  method,
  target,
  path,
  query,
  host,
  version,
  status,
  bytes_in,
  bytes_out,
  duration_ms,
  upstream_ms,
  queue_ms,
  listener,
  route,
  pool,
  backend,
  attempts,
  request_id,
  user_agent,
  referer,
  termination,
};

inline constexpr std::array<std::string_view, 24> kLogFieldNames = {
    "time",    "client", "client_port", "method",    "target",      "path",        "query",    "host",
    "version", "status", "bytes_in",    "bytes_out", "duration_ms", "upstream_ms", "queue_ms", "listener",
    "route",   "pool",   "backend",     "attempts",  "request_id",  "user_agent",  "referer",  "termination",
};
static_assert(kLogFieldNames.size() == static_cast<std::size_t>(LogField::termination) + 1);

constexpr std::string_view name(LogField field) { return kLogFieldNames[static_cast<std::size_t>(field)]; }

}  // namespace weir::config
