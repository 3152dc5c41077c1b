// Counters of a UDP listener.
#pragma once

#include <string>

#include "metrics/registry.h"
#include "worker/admission.h"

namespace weir::relay {

struct UdpMetrics {
  UdpMetrics(const std::string& listener, metrics::Registry& registry);

  metrics::Counter flows_active, flows, evicted;
  metrics::Counter client_in, client_out, backend_in, backend_out;  // datagrams
  // Datagrams that went nowhere: the listener closes and the client is new; its address is not allowed; flows begin too
  // quickly, of all clients or of this one; it has too many; it shares its place in a full table with others
  // who have too many; no backend is eligible, or all are at their
  // max_connections; descriptors or ports ran out; the backend cannot be reached; the kernel did not take it.
  metrics::Counter dropped_closing, dropped_denied, dropped_rate, dropped_client_rate, dropped_client_connections,
      dropped_client_table, dropped_no_backend, dropped_exhausted, dropped_unreachable, dropped_unsent;
  // The counter for clients that admission refuses.
  const metrics::Counter& refused(worker::Refusal why) const;
};

}  // namespace weir::relay
