// Metric families whose values are read off backends and pools when somebody scrapes.
#pragma once

#include "control/publisher.h"
#include "metrics/registry.h"

namespace weir::control {

// `publisher` must outlive the registry's last scrape; scrapes happen on the control thread.
void register_computed_metrics(metrics::Registry& registry, const Publisher& publisher);

}  // namespace weir::control
