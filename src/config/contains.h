// std::ranges::contains, which the standard library of Debian 12 does not have yet.
#pragma once

#include <algorithm>
#include <iterator>

namespace weir::config {

template <typename Range, typename T>
constexpr bool contains(const Range& range, const T& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

}  // namespace weir::config
