// Parts of a valid configuration that have no effect.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/fault.h"
#include "config/kinds.h"

namespace weir::config {

// Why the weights of the pool have no effect with its strategy; empty when they have, or all are the same.
std::string weights_warning(const Pool& pool, std::span<const KindEntry> strategies);

// Why the pool gets no traffic; empty when a listener or a route names it.
std::string unused_warning(const Config& config, std::string_view pool);

// Health checks that cannot work with the traffic of their pool, in the order of the pools.
Faults warnings_of_checks(const Config& config, std::span<const KindEntry> checkers);

// Weights without effect, pools that no listener uses, and those of checks. Fault::at is the origin of the object.
Faults warnings(const Config& config, const Kinds& kinds);

}  // namespace weir::config
