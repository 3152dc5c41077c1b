// How the files that a configuration names are treated when it is prepared.
#pragma once

#include <cstdint>

namespace weir::control {

// Files that were read before.
enum class Reading : std::uint8_t {
  known,    // as they were: a change of something else does not depend on the disk
  again,    // read again if they changed; what is wrong is a fault
  tolerant  // read again; what is wrong is logged, and what was made of the file before stays
};

}  // namespace weir::control
