// The parts of the configuration that are for its administrators only.
#pragma once

#include <string>
#include <string_view>

namespace weir::api {

// In place of what is not shown.
inline constexpr std::string_view kHidden = "***";

// A JSON text of listeners, pools or the whole configuration with "***" in place of every header value that Weir sends,
// or looks for in requests: credentials stand there.
std::string without_header_values(std::string_view json);

}  // namespace weir::api
