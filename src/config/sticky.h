// Changes of a pool's stickiness by those who know only "on" and a time.
#pragma once

#include <span>

#include "config/config.h"
#include "config/kinds.h"

namespace weir::config {

// The usual method, with its defaults. Nothing when it is not registered.
void turn_on(Sticky& sticky, std::span<const KindEntry> methods);

// False when the method has no such option.
bool set_sticky_ttl(Sticky& sticky, Duration ttl, std::span<const KindEntry> methods);

}  // namespace weir::config
