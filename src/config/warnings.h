// What a valid configuration says without effect.
#pragma once

#include <span>
#include <string>

#include "config/fault.h"
#include "config/kinds.h"

namespace weir::config {

// Why the weights of the pool have no effect with its strategy; empty when they have, or all are the same.
std::string weights_warning(const Pool& pool, std::span<const KindEntry> strategies);

// Weights without effect, and pools that no listener uses.
Faults warnings(const Config& config, std::span<const KindEntry> strategies);

}  // namespace weir::config
