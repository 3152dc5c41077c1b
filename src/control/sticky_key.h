// The key that sticky cookies are signed with: of a configured secret, or one of Weir's own that outlives restarts.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "config/fault.h"
#include "persist/sticky_key.h"
#include "store/store.h"

namespace weir::control {

// The kind of stored objects that only their users read.
inline constexpr std::string_view kSecretKind = "secret";

// Nothing when none is configured. Faults when its file cannot be read or holds less than 16 bytes; white space at its
// end does not count.
std::expected<std::optional<persist::StickyKey>, config::Faults> configured_sticky_key(
    const config::StickySecret& secret);

// The key that sticky_key_change() has left in a store, if it has.
std::optional<persist::StickyKey> stored_sticky_key(const store::Contents& contents);
// The change that puts `key` there.
store::Change sticky_key_change(const persist::StickyKey& key);

}  // namespace weir::control
