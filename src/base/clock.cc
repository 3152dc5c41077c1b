#include "base/clock.h"

namespace weir::base {

std::int64_t unix_milliseconds() {
  auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

}  // namespace weir::base
