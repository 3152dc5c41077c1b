// The options of the HTTP checker, read and checked.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/kinds.h"
#include "health/status_ranges.h"

namespace weir::health {

// The most of a response's body that a probe looks at, and so the longest text it can look for.
inline constexpr std::size_t kBodyLimitBytes = 64 * 1024;

struct HttpCheckOptions {
  std::string method;
  std::string path;     // with the query, if any
  std::string host;     // empty: the backend's own host and port
  std::string version;  // "1.0" or "1.1"
  std::string headers;  // as sent, each line with its CRLF
  StatusRanges expected_status;
  std::string expected_body;  // empty: any

  // Appends every fault found to `faults`; what it returns is of use only when there is none.
  static HttpCheckOptions read(const config::Choice& choice, std::vector<config::OptionFault>& faults);
  static std::span<const config::OptionSpec> specs();
};

// True when `path` may stand in a request line as it is: it begins with a slash and holds no space, no control byte and
// no '#' (RFC 9112 section 3.2.1). Anything else could smuggle in a second request.
bool is_sendable_path(std::string_view path);

}  // namespace weir::health
