#include "worker/pool_runtime.h"

#include "metrics/families.h"

namespace weir::worker {

namespace families = metrics::families;

PoolRuntime::PoolRuntime(const std::string& pool_name, std::uint32_t workers, metrics::Registry& registry)
    : retry_budget(workers),
      connections{.opened = registry.counter(families::kUpstreamConnectionsOpened, {pool_name}),
                  .reused = registry.counter(families::kUpstreamConnectionsReused, {pool_name}),
                  .taken_over = registry.counter(families::kUpstreamConnectionsTakenOver, {pool_name})},
      retries(registry.counter(families::kRetries, {pool_name})),
      upstream_duration(registry.histogram(families::kUpstreamDuration, {pool_name})) {}

}  // namespace weir::worker
