// The canonical JSON of configuration objects: every value that has one is present, durations as "5s", sizes as numbers
// of bytes. The text reads back (read.h) to an equal object. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace weir::config {

struct JsonOptions {
  // Adds "origin": {"file": ..., "line": ..., "column": ...} to listeners, routes, pools and backends. Readers accept
  // and ignore it.
  bool origin = false;
  // One member a line, indented by two; otherwise one line.
  bool pretty = false;
};

std::string to_json(const Config& config, JsonOptions options = {});
std::string to_json(const Pool& pool, JsonOptions options = {});
std::string to_json(const Listener& listener, JsonOptions options = {});
std::string to_json(const Route& route, JsonOptions options = {});
std::string to_json(const Backend& backend, JsonOptions options = {});

// "500ms", "5s", "2h": the largest unit that needs no fraction.
std::string duration_text(Duration duration);
// The name a configuration uses for the value: "http", "operator".
std::string_view name(ListenerProtocol protocol);
std::string_view name(TokenRole role);

}  // namespace weir::config
