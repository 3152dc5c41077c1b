// Reading configurations: whole ones from YAML, single objects from the JSON bodies of the API. Every function reports
// all faults it finds, never only the first. None throws. Any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"

namespace weir::config {

inline constexpr std::size_t kMaxFileBytes = 64 * 1024 * 1024;

// Reads and validates (validate.h) the file. A file that cannot be read, or is larger than kMaxFileBytes, is a fault.
std::expected<Config, Faults> read_file(const std::string& path, const Kinds& kinds);
// The same for text; `file_name` is what faults and origins name.
std::expected<Config, Faults> read_yaml(std::string_view text, const std::string& file_name, const Kinds& kinds);

// The configuration without a file: one HTTP listener "web" on port 8080 of every address, with the empty pool
// "default" behind it, and the admin API on 127.0.0.1:9090. All of it has the origin "api", so the API may change it.
Config built_in_config(const Kinds& kinds);

// A backend with the pool it goes to: the body of POST /backends.
struct PoolBackend {
  std::string pool = "default";
  Backend backend;
  friend bool operator==(const PoolBackend&, const PoolBackend&) = default;
};

// Single objects from JSON. Their origin is {"api", 0, 0}; fault paths are relative to the object. Rules
// about one object are checked as well; those across objects (names, references) are validate()'s. A route without a
// name keeps it empty: the caller gives it one.
std::expected<Pool, Faults> read_pool(std::string_view json, const Kinds& kinds);
std::expected<Listener, Faults> read_listener(std::string_view json, const Kinds& kinds);
std::expected<Route, Faults> read_route(std::string_view json, const Kinds& kinds);
// Takes "address" ("10.0.0.1:80", or the host alone beside "port") in place of "host" and "port".
std::expected<PoolBackend, Faults> read_backend(std::string_view json, const Kinds& kinds);

// The object changed by a JSON merge patch (RFC 7396) onto its canonical JSON (json.h): members given replace, null
// returns to the default, lists are replaced whole. Another `type` of algorithm or health check starts from the
// defaults of that type. The origin stays.
std::expected<Pool, Faults> patch_pool(const Pool& pool, std::string_view json, const Kinds& kinds);
std::expected<Listener, Faults> patch_listener(const Listener& listener, std::string_view json, const Kinds& kinds);
std::expected<Route, Faults> patch_route(const Route& route, std::string_view json, const Kinds& kinds);
std::expected<Backend, Faults> patch_backend(const Backend& backend, std::string_view json, const Kinds& kinds);

}  // namespace weir::config
