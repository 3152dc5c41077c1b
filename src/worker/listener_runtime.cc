#include "worker/listener_runtime.h"

#include "metrics/families.h"

namespace weir::worker {

namespace families = metrics::families;

ListenerRuntime::ListenerRuntime(std::uint32_t listener_id, const std::string& listener_name,
                                 metrics::Registry& registry)
    : id(listener_id),
      name(listener_name),
      connections_active(registry.gauge(families::kConnectionsActive, {listener_name})),
      connections_total(registry.counter(families::kConnections, {listener_name})),
      slow_requests(registry.counter(families::kSlowClients, {listener_name, "request"})),
      slow_responses(registry.counter(families::kSlowClients, {listener_name, "response"})),
      request_duration(registry.histogram(families::kRequestDuration, {listener_name})) {
  for (std::size_t i = 1; i < kRefusals; ++i) {
    refused[i] =
        registry.counter(families::kConnectionsRefused, {listener_name, worker::name(static_cast<Refusal>(i))});
  }
}

}  // namespace weir::worker
