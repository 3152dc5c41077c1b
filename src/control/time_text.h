// Wall-clock times as the API and its events show them.
#pragma once

#include <cstdint>
#include <string>

namespace weir::control {

// RFC 3339 in UTC with milliseconds.
std::string time_text(std::int64_t unix_ms);

}  // namespace weir::control
