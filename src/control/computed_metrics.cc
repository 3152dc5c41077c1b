#include "control/computed_metrics.h"

#include <functional>

#include "metrics/families.h"

namespace weir::control {

namespace families = metrics::families;
using metrics::Registry;

namespace {

using OfBackend = std::function<double(const pool::Backend&)>;

void per_backend(Registry& registry, const metrics::Family& family, const Publisher& publisher, OfBackend value) {
  registry.computed(family, [&publisher, value = std::move(value)](const Registry::Emit& emit) {
    publisher.for_each_backend(
        [&](const pool::Backend& backend, const std::string& labels) { emit.rendered(labels, value(backend)); });
  });
}

double is_up(const pool::Backend& backend) {
  auto state = backend.state.load();
  using enum pool::BackendState;
  return state == healthy || state == unknown || state == not_ready ? 1 : 0;
}

// `labels` and one more, whose name sorts behind "backend" and "pool" and whose value needs no escaping.
void with_label(std::string& out, const std::string& labels, std::string_view name, std::string_view value) {
  out = labels;
  out += ',';
  out += name;
  out += "=\"";
  out += value;
  out += '"';
}

void emit_states(const Publisher& publisher, const Registry::Emit& emit) {
  using enum pool::BackendState;
  std::string with_state;
  publisher.for_each_backend([&](const pool::Backend& backend, const std::string& labels) {
    for (pool::BackendState state : {unknown, healthy, unhealthy, draining, disabled}) {
      with_label(with_state, labels, "state", pool::name(state));
      emit.rendered(with_state, backend.state.load() == state ? 1 : 0);
    }
    // Few backends have it at all.
    if (backend.state.load() != not_ready) return;
    with_label(with_state, labels, "state", pool::name(not_ready));
    emit.rendered(with_state, 1);
  });
}

// Only reasons that have occurred: most backends have none.
void emit_failures(const Publisher& publisher, const Registry::Emit& emit) {
  std::string with_reason;
  publisher.for_each_backend([&](const pool::Backend& backend, const std::string& labels) {
    for (std::size_t reason = 0; reason < pool::Backend::kReasons; ++reason) {
      std::uint32_t count = backend.failures[reason].load(std::memory_order_relaxed);
      if (count == 0) continue;
      with_label(with_reason, labels, "reason", base::name(static_cast<base::ErrorCode>(reason)));
      emit.rendered(with_reason, count);
    }
  });
}

void emit_ejections(const Publisher& publisher, const Registry::Emit& emit) {
  std::string with_reason;
  publisher.for_each_backend([&](const pool::Backend& backend, const std::string& labels) {
    for (std::size_t reason = 0; reason < pool::kEjectionReasons.size(); ++reason) {
      std::uint32_t count = backend.ejections[reason].load(std::memory_order_relaxed);
      if (count == 0) continue;
      with_label(with_reason, labels, "reason", pool::kEjectionReasons[reason]);
      emit.rendered(with_reason, count);
    }
  });
}

void emit_prevented(const Publisher& publisher, const Registry::Emit& emit) {
  publisher.for_each_pool([&](const auto& pool, const worker::PoolRuntime& runtime, auto) {
    for (std::size_t i = 0; i < pool::kEjectionReasons.size(); ++i) {
      auto reason = static_cast<pool::EjectionReason>(i);
      std::uint64_t count = runtime.ejections.prevented(reason);
      if (count == 0) continue;
      emit({{"pool", pool->name}, {"reason", std::string(pool::word(reason))}}, static_cast<double>(count));
    }
  });
}

void per_pool(Registry& registry, const metrics::Family& family, const Publisher& publisher,
              std::function<double(const worker::PoolSnapshot&)> value) {
  registry.computed(family, [&publisher, value = std::move(value)](const Registry::Emit& emit) {
    std::shared_ptr<const worker::Snapshot> snapshot = publisher.snapshot();
    if (snapshot == nullptr) return;
    for (const auto& pool : snapshot->pools) emit({{"pool", pool->config->name}}, value(*pool));
  });
}

}  // namespace

void register_computed_metrics(Registry& registry, const Publisher& publisher) {
  per_backend(registry, families::kBackendUp, publisher, is_up);
  registry.computed(families::kBackendState,
                    [&publisher](const Registry::Emit& emit) { emit_states(publisher, emit); });
  registry.computed(families::kBackendFailures,
                    [&publisher](const Registry::Emit& emit) { emit_failures(publisher, emit); });
  registry.computed(families::kBackendAgentWeight, [&publisher](const Registry::Emit& emit) {
    publisher.for_each_agent([&](const health::AgentVerdict& verdict, double ratio, const std::string& labels) {
      if (verdict.percent || verdict.weight) emit.rendered(labels, ratio);
    });
  });
  registry.computed(families::kBackendAgentDown, [&publisher](const Registry::Emit& emit) {
    publisher.for_each_agent([&](const health::AgentVerdict& verdict, double, const std::string& labels) {
      if (verdict.is_down()) emit.rendered(labels, 1);
    });
  });
  registry.computed(families::kBackendEjections,
                    [&publisher](const Registry::Emit& emit) { emit_ejections(publisher, emit); });
  registry.computed(families::kBackendEjectionsPrevented,
                    [&publisher](const Registry::Emit& emit) { emit_prevented(publisher, emit); });
  per_backend(registry, families::kBackendEjected, publisher,
              [](const pool::Backend& backend) { return backend.ejected.load() ? 1 : 0; });
  per_backend(registry, families::kBackendConnectionsActive, publisher,
              [](const pool::Backend& backend) { return backend.places.taken(); });
  per_backend(registry, families::kBackendRequestsActive, publisher,
              [](const pool::Backend& backend) { return backend.in_flight.load(); });
  per_backend(registry, families::kBackendRequests, publisher,
              [](const pool::Backend& backend) { return static_cast<double>(backend.total_requests.load()); });
  per_pool(registry, families::kPoolDegraded, publisher,
           [](const worker::PoolSnapshot& pool) { return pool.degraded ? 1 : 0; });
  per_pool(registry, families::kPoolBackendsEligible, publisher,
           [](const worker::PoolSnapshot& pool) { return static_cast<double>(pool.eligible.size()); });
  per_pool(registry, families::kUpstreamQueueLength, publisher, [](const worker::PoolSnapshot& pool) {
    double queued = 0;
    for (const pool::BackendSet* set : {&pool.eligible, &pool.trials}) {
      for (const pool::BackendEntry& entry : *set) queued += entry.backend->places.waiting();
    }
    return queued;
  });
}

}  // namespace weir::control
