#include <array>

#include "app/weir.h"
#include "balance/strategy.h"
#include "filter/filter.h"
#include "health/checker.h"
#include "persist/method.h"
#include "store/store.h"

namespace weir::app {

// One line for each kind: reader, schema, help and OpenAPI take theirs from here.
config::Kinds kinds() {
  static const std::array kAll{
      config::Kind{"strategies", "algorithm", "pools[].algorithm", "how a pool picks a backend", balance::strategies()},
      config::Kind{"checkers", "health check type", "pools[].health_check.type", "how backends are probed",
                   health::checkers()},
      config::Kind{"methods", "stickiness method", "pools[].sticky.type", "how a client stays with its backend",
                   persist::methods()},
      config::Kind{"filters", "filter", "listeners[].filters, routes[].filters",
                   "what requests go through on their way", filter::filters()},
      config::Kind{"stores", "store type", "store.type", "where objects made through the API live", store::stores()},
  };
  return config::Kinds(kAll);
}

}  // namespace weir::app
