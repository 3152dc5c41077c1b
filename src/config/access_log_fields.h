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
  detail,
  // About TLS with the client; left out of JSON where there is none.
  tls_version,
  tls_cipher,
  tls_sni,
  tls_alpn,
  tls_resumed,
  tls_client_subject,
};
inline constexpr LogField kFirstTlsField = LogField::tls_version;

inline constexpr std::array<std::string_view, 31> kLogFieldNames = {
    "time",
    "client",
    "client_port",
    "method",
    "target",
    "path",
    "query",
    "host",
    "version",
    "status",
    "bytes_in",
    "bytes_out",
    "duration_ms",
    "upstream_ms",
    "queue_ms",
    "listener",
    "route",
    "pool",
    "backend",
    "attempts",
    "request_id",
    "user_agent",
    "referer",
    "termination",
    "detail",
    "tls_version",
    "tls_cipher",
    "tls_sni",
    "tls_alpn",
    "tls_resumed",
    "tls_client_subject",
};
static_assert(kLogFieldNames.size() == static_cast<std::size_t>(LogField::tls_client_subject) + 1);

constexpr std::string_view name(LogField field) { return kLogFieldNames[static_cast<std::size_t>(field)]; }

}  // namespace weir::config
