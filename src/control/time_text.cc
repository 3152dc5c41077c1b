#include "control/time_text.h"

#include <ctime>
#include <fmt/chrono.h>

namespace weir::control {

std::string time_text(std::int64_t unix_ms) {
  std::time_t seconds = unix_ms / 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), unix_ms % 1000);
}

}  // namespace weir::control
