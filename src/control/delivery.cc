#include "control/delivery.h"

#include <algorithm>

namespace weir::control {

void Delivery::deliver(const std::shared_ptr<const worker::Snapshot>& snapshot, base::Nanoseconds drain_timeout) {
  divide_descriptors(*snapshot);
  for (front::WorkerThread* worker : workers_) worker->apply(snapshot);
  sockets_.follow(*snapshot, drain_timeout);
  divide_descriptors(*snapshot);
}

void Delivery::divide_descriptors(const worker::Snapshot& snapshot) {
  // Standard streams, signals, store, log; a loop with its wake-up for each worker, control and health.
  constexpr std::size_t kFixed = 24;
  std::size_t loops = workers_.size() + 2;
  auto is_udp = [](const auto& listener) { return listener->config->protocol == config::ListenerProtocol::udp; };
  services_.descriptors.divide({.limit = descriptor_limit_,
                                .fixed = kFixed + 2 * loops + sockets_.descriptors(),
                                .wanted_clients = snapshot.max_connections,
                                .has_udp = std::ranges::any_of(snapshot.listeners, is_udp)});
}

}  // namespace weir::control
