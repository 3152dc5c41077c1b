#include "app/weir.h"
#include "balance/strategy.h"
#include "control/store.h"
#include "health/checker.h"

namespace weir::app {

config::Kinds kinds() {
  return {.strategies = balance::strategies(), .checkers = health::checkers(), .stores = control::stores()};
}

}  // namespace weir::app
