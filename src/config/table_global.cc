// The top of the file: admin, store, access log, timeouts, limits.
#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

constexpr Rules kTimeout{.min = kMinTimeoutMs, .max = kMaxTimeoutMs};
constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warning", "error"};

constexpr std::array kTokenFields{
    field<&AdminToken::name>("name", "who holds the token; audit lines name it", {.required = true}),
    field<&AdminToken::role>("role",
                             "what its holder may do: viewer reads, operator drains, enables, disables and reloads, "
                             "admin changes everything"),
    field<&AdminToken::sha256>("sha256", "SHA-256 of the token, 64 hexadecimal digits", {.required = true}),
};
constexpr std::array kAdminFields{
    field<&Admin::listen>("listen", "address:port, or unix:/path; beyond loopback only with tokens"),
    field<&Admin::tokens>("tokens", "who may use the admin API; empty: anyone who reaches it"),
};
constexpr std::array<std::string_view, 2> kStreams{"stdout", "stderr"};
constexpr std::array kAccessLogFields{
    field<&AccessLog::enabled>("enabled", "write a line per request"),
    field<&AccessLog::path>("path", "stdout, stderr or a file", {.allowed = kStreams, .is_path = true}),
    field<&AccessLog::format>("format", "json, combined, or a template with %{field}"),
};

// Read, never shown again.
constexpr Field hidden(Field field) {
  field.write = nullptr;
  return field;
}
constexpr std::array kStickySecretFields{
    hidden(field<&StickySecret::value>("value", "the secret, at least 16 bytes; the API never shows it")),
    field<&StickySecret::file>("file", "a file that holds it", {.is_path = true}),
};

// Timeouts and their overrides have the same keys.
template <typename S>
constexpr auto timeout_fields() {
  return std::array{
      field<&S::request>(
          "request",
          "from the arrival of a request's header to the header of its response, queueing and all attempts "
          "together; when not set anywhere, without limit",
          kTimeout),
      field<&S::header>("header", "from the first byte of a request header to its last", kTimeout),
      field<&S::body>(
          "body",
          "between two pieces of a body, either way; a client or backend that takes no byte at all is given up "
          "within twice that, one that takes some is not",
          kTimeout),
      field<&S::idle>("idle", "a kept-alive connection without a request", kTimeout),
      field<&S::connect>("connect", "opening a connection to a backend", kTimeout),
      field<&S::response>("response", "from the end of the request to the end of the response header", kTimeout),
      field<&S::queue>("queue", "waiting for a connection of a backend at its max_connections", kTimeout),
      field<&S::tunnel>("tunnel", "an upgraded connection or tunnel without a byte", kTimeout),
      field<&S::websocket>("websocket", "a WebSocket without a byte; when not set anywhere, what `tunnel` says",
                           kTimeout),
  };
}
constexpr auto kTimeoutFields = timeout_fields<Timeouts>();
constexpr auto kTimeoutOverrideFields = timeout_fields<TimeoutOverrides>();

constexpr std::array kLimitFields{
    field<&Limits::request_line_bytes>("request_line_bytes", "longest request line; longer: 414",
                                       {.min = 64, .max = 64 * 1024, .unit = Unit::bytes}),
    field<&Limits::header_bytes>("header_bytes", "largest request header; larger: 431",
                                 {.min = 256, .max = 64 * 1024, .unit = Unit::bytes}),
    field<&Limits::header_count>("header_count", "most header fields; more: 431", {.min = 1, .max = 10'000}),
    field<&Limits::body_bytes>("body_bytes", "longest request body, longer: 413; 0 is without limit",
                               {.unit = Unit::bytes}),
    field<&Limits::connections>("connections", "most open client connections; 0 is without limit"),
    field<&Limits::connections_per_client>("connections_per_client",
                                           "most open connections of one client (an IPv4 address, or a /64 of IPv6); 0 "
                                           "is without limit"),
    field<&Limits::connection_rate>("connection_rate", "most new connections a second; 0 is without limit",
                                    {.max = 1'000'000}),
    field<&Limits::client_connection_rate>("client_connection_rate",
                                           "most new connections a second of one client; 0 is without limit",
                                           {.max = 1'000'000}),
};

constexpr std::array kConfigFields{
    field<&Config::workers>("workers", "threads that serve traffic, at most 64; auto: one per core",
                            {.max = 64, .word_for_zero = "auto"}),
    field<&Config::admin>("admin", "the admin API"),
    field<&Config::store>("store", "where objects made through the API live", {.kind = "stores"}),
    field<&Config::access_log>("access_log", "a line per request"),
    field<&Config::timeouts>("timeouts", "defaults; listeners, pools and routes may override them"),
    field<&Config::sticky_secret>("sticky_secret", "what sticky cookies are signed with"),
    field<&Config::drain_timeout>("drain_timeout", "how long work may go on when Weir stops", {.max = kMaxTimeoutMs}),
    field<&Config::max_connections>(
        "max_connections",
        "most open client connections of all listeners; when as many are open, idle ones are "
        "closed for new ones, others are refused; auto: nearly half of the limit on open "
        "files",
        {.word_for_zero = "auto"}),
    field<&Config::log_level>("log_level", "what the error log holds", {.allowed = kLogLevels}),
    field<&Config::tls>("tls", "what all TLS listeners share"),
    field<&Config::certificates>("certificates", "certificates that listeners name"),
    field<&Config::listeners>("listeners", "where traffic comes in"),
    field<&Config::pools>("pools", "where traffic goes"),
};
constexpr std::array kRefused{
    RefusedKey{"timeout", "unknown key 'timeout'; write `timeouts: {response: ...}`"},
};

}  // namespace

template <>
std::span<const std::string_view> value_names<TokenRole>() {
  static constexpr std::array<std::string_view, 3> kNames{"viewer", "operator", "admin"};
  return kNames;
}

template <>
const Resource& resource<AdminToken>() {
  static constexpr Resource kResource{.name = "token",
                                      .summary = "someone who may use the admin API",
                                      .fields = kTokenFields,
                                      .defaults = defaults_of<AdminToken>};
  return kResource;
}

template <>
const Resource& resource<Admin>() {
  static constexpr Resource kResource{.name = "admin",
                                      .summary = "the admin API",
                                      .fields = kAdminFields,
                                      .short_key = "listen",
                                      .defaults = defaults_of<Admin>};
  return kResource;
}

template <>
const Resource& resource<AccessLog>() {
  static constexpr Resource kResource{.name = "access_log",
                                      .summary = "a line per request",
                                      .fields = kAccessLogFields,
                                      .short_key = "path",
                                      .off_key = "enabled",
                                      .defaults = defaults_of<AccessLog>};
  return kResource;
}

template <>
const Resource& resource<StickySecret>() {
  static constexpr Resource kResource{
      .name = "sticky_secret",
      .summary =
          "what sticky cookies are signed with, the same for all Weirs that share clients; without it Weir makes "
          "a key and keeps it in its store",
      .fields = kStickySecretFields,
      .short_key = "value",
      .defaults = defaults_of<StickySecret>};
  return kResource;
}

template <>
const Resource& resource<Timeouts>() {
  static constexpr Resource kResource{.name = "timeouts",
                                      .summary = "how long each wait may last",
                                      .fields = kTimeoutFields,
                                      .defaults = defaults_of<Timeouts>};
  return kResource;
}

template <>
const Resource& resource<TimeoutOverrides>() {
  static constexpr Resource kResource{.name = "timeout_overrides",
                                      .summary =
                                          "timeouts that differ here; a route's go before a pool's, a pool's "
                                          "before a listener's, a listener's before the global ones",
                                      .fields = kTimeoutOverrideFields,
                                      .defaults = defaults_of<TimeoutOverrides>};
  return kResource;
}

template <>
const Resource& resource<Limits>() {
  static constexpr Resource kResource{
      .name = "limits", .summary = "what a client may send", .fields = kLimitFields, .defaults = defaults_of<Limits>};
  return kResource;
}

template <>
const Resource& resource<Config>() {
  static constexpr Resource kResource{.name = "config",
                                      .summary = "the whole configuration",
                                      .fields = kConfigFields,
                                      .refused = kRefused,
                                      .takes_notes = true,
                                      .defaults = defaults_of<Config>};
  return kResource;
}

}  // namespace weir::config
