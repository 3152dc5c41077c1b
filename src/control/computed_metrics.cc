#include "control/computed_metrics.h"

#include <functional>

#include "metrics/families.h"

namespace weir::control {

namespace families = metrics::families;
using metrics::Labels;
using metrics::Registry;

namespace {

using OfBackend = std::function<double(const pool::Backend&)>;

void per_backend(Registry& registry, const metrics::Family& family, const Publisher& publisher, OfBackend value) {
  registry.computed(family, [&publisher, value = std::move(value)](const Registry::Emit& emit) {
    for (const health::WatchedBackend& watched : publisher.watched()) {
      const pool::Backend& backend = *watched.backend;
      emit({{"pool", backend.pool_name()}, {"backend", backend.id()}}, value(backend));
    }
  });
}

double is_up(const pool::Backend& backend) {
  auto state = backend.state.load();
  return state == pool::BackendState::healthy || state == pool::BackendState::unknown ? 1 : 0;
}

void emit_states(const Publisher& publisher, const Registry::Emit& emit) {
  using enum pool::BackendState;
  for (const health::WatchedBackend& watched : publisher.watched()) {
    const pool::Backend& backend = *watched.backend;
    for (pool::BackendState state : {unknown, healthy, unhealthy, draining, disabled}) {
      Labels labels{{"pool", backend.pool_name()}, {"backend", backend.id()}, {"state", pool::name(state)}};
      emit(labels, backend.state.load() == state ? 1 : 0);
    }
  }
}

void per_pool(Registry& registry, const metrics::Family& family, const Publisher& publisher,
              std::function<double(const proxy::PoolSnapshot&)> value) {
  registry.computed(family, [&publisher, value = std::move(value)](const Registry::Emit& emit) {
    std::shared_ptr<const proxy::Snapshot> snapshot = publisher.snapshot();
    if (snapshot == nullptr) return;
    for (const auto& pool : snapshot->pools) emit({{"pool", pool->config->name}}, value(*pool));
  });
}

}  // namespace

void register_computed_metrics(Registry& registry, const Publisher& publisher) {
  per_backend(registry, families::kBackendUp, publisher, is_up);
  registry.computed(families::kBackendState,
                    [&publisher](const Registry::Emit& emit) { emit_states(publisher, emit); });
  per_backend(registry, families::kBackendConnectionsActive, publisher,
              [](const pool::Backend& backend) { return backend.open_connections.load(); });
  per_backend(registry, families::kBackendRequestsActive, publisher,
              [](const pool::Backend& backend) { return backend.in_flight.load(); });
  per_backend(registry, families::kBackendRequests, publisher,
              [](const pool::Backend& backend) { return static_cast<double>(backend.total_requests.load()); });
  per_pool(registry, families::kPoolDegraded, publisher,
           [](const proxy::PoolSnapshot& pool) { return pool.degraded ? 1 : 0; });
  per_pool(registry, families::kPoolBackendsEligible, publisher,
           [](const proxy::PoolSnapshot& pool) { return static_cast<double>(pool.eligible.size()); });
  per_pool(registry, families::kUpstreamQueueLength, publisher, [](const proxy::PoolSnapshot& pool) {
    double queued = 0;
    for (const pool::BackendEntry& entry : pool.eligible) queued += entry.backend->queued.load();
    return queued;
  });
}

}  // namespace weir::control
