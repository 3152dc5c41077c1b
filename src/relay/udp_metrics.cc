#include "relay/udp_metrics.h"

#include "metrics/families.h"

namespace weir::relay {

namespace families = metrics::families;

UdpMetrics::UdpMetrics(const std::string& listener, metrics::Registry& registry)
    : flows_active(registry.gauge(families::kUdpFlowsActive, {listener})),
      flows(registry.counter(families::kUdpFlows, {listener})),
      evicted(registry.counter(families::kUdpFlowsEvicted, {listener})),
      client_in(registry.counter(families::kUdpDatagrams, {listener, "client_in"})),
      client_out(registry.counter(families::kUdpDatagrams, {listener, "client_out"})),
      backend_in(registry.counter(families::kUdpDatagrams, {listener, "backend_in"})),
      backend_out(registry.counter(families::kUdpDatagrams, {listener, "backend_out"})),
      dropped_closing(registry.counter(families::kUdpDropped, {listener, "closing"})),
      dropped_denied(registry.counter(families::kUdpDropped, {listener, "denied"})),
      dropped_rate(registry.counter(families::kUdpDropped, {listener, name(worker::Refusal::rate)})),
      dropped_client_rate(registry.counter(families::kUdpDropped, {listener, name(worker::Refusal::client_rate)})),
      dropped_client_connections(
          registry.counter(families::kUdpDropped, {listener, name(worker::Refusal::client_connections)})),
      dropped_client_table(registry.counter(families::kUdpDropped, {listener, name(worker::Refusal::client_table)})),
      dropped_no_backend(registry.counter(families::kUdpDropped, {listener, "no_backend"})),
      dropped_exhausted(registry.counter(families::kUdpDropped, {listener, "exhausted"})),
      dropped_unreachable(registry.counter(families::kUdpDropped, {listener, "unreachable"})),
      dropped_unsent(registry.counter(families::kUdpDropped, {listener, "unsent"})) {}

const metrics::Counter& UdpMetrics::refused(worker::Refusal why) const {
  switch (why) {
    case worker::Refusal::rate:
      return dropped_rate;
    case worker::Refusal::client_rate:
      return dropped_client_rate;
    case worker::Refusal::client_connections:
      return dropped_client_connections;
    case worker::Refusal::client_table:
      return dropped_client_table;
    default:
      return dropped_denied;
  }
}

}  // namespace weir::relay
