// The error of work that an allocation has failed: whoever catches bad_alloc goes on with it.
#pragma once

#include "base/error.h"

namespace weir::base {

inline constexpr Error kOutOfMemory{.code = ErrorCode::exhausted, .what = "memory could not be had"};

}  // namespace weir::base
