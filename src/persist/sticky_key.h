// The secret that sticky cookies are signed with.
#pragma once

#include <array>

#include "base/cleanse.h"

namespace weir::persist {

// All zero: none is needed. Leaves nothing of itself in memory.
struct StickyKey {
  std::array<unsigned char, 32> bytes{};
  StickyKey() = default;
  StickyKey(const StickyKey&) = default;
  StickyKey& operator=(const StickyKey&) = default;
  ~StickyKey() { base::cleanse(bytes.data(), bytes.size()); }
  static StickyKey random();
  friend bool operator==(const StickyKey&, const StickyKey&) = default;
};

}  // namespace weir::persist
