// Routes that never take a request, whatever it is.
#pragma once

#include "config/fault.h"

namespace weir::route {

// A warning for each route of an HTTP listener that is certain to take nothing: others take all that it matches, or the
// listener refuses the paths that it names. Not all such routes are found: expressions are compared by their text.
config::Faults dead_routes(const config::Config& config);

}  // namespace weir::route
