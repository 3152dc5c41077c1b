// Rules for a UDP listener.
#include <fmt/format.h>

#include "config/checks.h"

namespace weir::config {

void check_udp(const Place& place, const Listener& listener) {
  if (listener.protocol != ListenerProtocol::udp) {
    if (listener.udp != Udp()) place.fault("udp", "is for listeners with `protocol: udp`; set that, or remove the key");
    return;
  }
  if (listener.pool.empty()) place.fault("pool", "a udp listener needs one; all its flows go to that pool");
  if (!listener.routes.empty()) {
    place.fault("routes", "match requests of HTTP, which a udp listener has none of; name its pool with `pool`");
  }
  if (listener.forward != Forward()) place.fault("forward", "is about headers of HTTP; remove it from a udp listener");
  if (listener.paths != Paths()) place.fault("paths", "is about requests of HTTP; remove it from a udp listener");
  if (!listener.via.empty()) place.fault("via", "is a header of HTTP; remove it from a udp listener");
  if (!listener.trusted_proxies.empty()) {
    place.fault("trusted_proxies", "is about headers of HTTP; remove it from a udp listener");
  }
  if (listener.limits.connections != 0) {
    place.fault(
        "limits.connections",
        "there are no connections in UDP; udp.max_flows limits its flows, connections_per_client those of a client");
  }
}

}  // namespace weir::config
