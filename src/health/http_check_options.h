// The options of the HTTP checker, read and checked.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/kinds.h"
#include "health/checker.h"
#include "health/status_ranges.h"

namespace weir::health {

// The most of a response's body that a probe looks at, and so the longest text it can look for.
inline constexpr std::size_t kBodyLimitBytes = 64 * 1024;

// The protocols that are offered by ALPN, or spoken without TLS.
struct HttpVersions {
  std::vector<std::string> alpn;  // "h2", "http/1.1"
  bool only_h2() const { return alpn.size() == 1 && alpn.front() == "h2"; }
};

struct HttpCheckOptions {
  std::string method;
  std::string path;     // with the query, if any
  std::string ready;    // likewise; empty: readiness is not asked for
  std::string host;     // empty: the backend's own host and port
  std::string version;  // "auto", "1.0", "1.1" or "2"
  std::vector<std::pair<std::string, std::string>> headers;
  StatusRanges expected_status;
  std::string expected_body;  // empty: any

  // Every error of the choice's options, not only the first.
  static std::expected<HttpCheckOptions, config::OptionFaults> read(const config::Choice& choice);
  static std::span<const config::OptionSpec> specs();
  // The protocols to speak to that target: with `auto` those of traffic.
  HttpVersions versions(const CheckTarget& target) const;
  // The path to ask that target for.
  std::string_view path_for(const CheckTarget& target) const {
    if (!target.ready.empty()) return target.ready;
    return target.path.empty() ? std::string_view(path) : target.path;
  }
};

// True when `path` may stand in a request line as it is: it begins with a slash and holds no space, no control byte and
// no '#' (RFC 9112 section 3.2.1). Anything else could smuggle in a second request.
bool is_sendable_path(std::string_view path);

}  // namespace weir::health
