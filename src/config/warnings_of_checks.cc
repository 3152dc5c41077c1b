#include "config/warnings.h"

#include <fmt/format.h>
#include <map>
#include <set>

#include "config/checks.h"
#include "config/reader.h"

namespace weir::config {
namespace {

using Protocols = std::set<ListenerProtocol>;

// What the listeners that use each pool speak to their clients.
std::map<std::string_view, Protocols> protocols_of_pools(const Config& config) {
  std::map<std::string_view, Protocols> protocols;
  for (const Listener& listener : config.listeners) {
    if (!listener.pool.empty()) protocols[listener.pool].insert(listener.protocol);
    for (const Route& route : listener.routes) {
      if (!route.pool.empty()) protocols[route.pool].insert(listener.protocol);
    }
  }
  return protocols;
}

bool has_http(const Protocols& protocols) {
  return protocols.contains(ListenerProtocol::http) || protocols.contains(ListenerProtocol::https);
}

std::string http_version(const Choice& checker) {
  auto version = checker.options.find("version");
  return version == checker.options.end() ? "auto" : std::get<std::string>(version->second);
}

// Checks that speak otherwise than traffic does.
void warn_of_check(const Place& place, const Pool& pool, const Protocols& protocols) {
  const std::string& type = pool.health_check.checker.name;
  bool only_udp = protocols.size() == 1 && protocols.contains(ListenerProtocol::udp);
  if (type != "udp" && only_udp) {
    place.fault("type", fmt::format("{} probes over TCP, but only udp listeners use the pool: backends that listen on "
                                    "UDP alone fail; use `type: udp`, or `health_check: off`",
                                    quoted(type)));
  }
  if (type == "udp" && !protocols.empty() && !protocols.contains(ListenerProtocol::udp)) {
    place.fault("type", "'udp' probes by datagrams, but no udp listener uses the pool");
  }
  bool by_http = has_http(protocols);
  if (type == "grpc" && by_http && pool.protocol == PoolProtocol::http_1_1) {
    place.fault("type", "'grpc' needs HTTP/2, but the pool speaks HTTP/1.1 to its backends; set its `protocol: h2`");
  }
  std::string version = type == "http" ? http_version(pool.health_check.checker) : "auto";
  if (by_http && pool.protocol == PoolProtocol::h2 && version != "auto" && version != "2") {
    place.fault("version", fmt::format("probes by HTTP/{}, but the pool speaks HTTP/2 to its backends", version));
  }
  if (by_http && pool.protocol == PoolProtocol::http_1_1 && version == "2") {
    place.fault("version", "probes by HTTP/2, but the pool speaks HTTP/1.1 to its backends");
  }
  bool passes_tls = protocols.size() == 1 && protocols.contains(ListenerProtocol::tls);
  bool in_clear = !pool.tls || !pool.tls->enabled;
  if ((type == "http" || type == "grpc") && passes_tls && in_clear && pool.health_check.port == 0) {
    place.fault("type",
                fmt::format("{} probes in clear, but tls listeners pass TLS through to the backends; use `type: "
                            "tcp`, or a `port` of its own",
                            quoted(type)));
  }
}

void warn_of_paths(const Place& place, const Pool& pool) {
  const std::string& type = pool.health_check.checker.name;
  if (type == "http" || type == "tcp") return;
  for (std::size_t i = 0; i < pool.backends.size(); ++i) {
    if (pool.backends[i].health_check_path.empty()) continue;
    place.in(fmt::format("backends[{}]", i), &pool.backends[i].origin)
        .fault("health_check_path", fmt::format("is not used: the pool is probed by {}", type));
  }
}

}  // namespace

Faults warnings_of_checks(const Config& config) {
  Faults found;
  std::map<std::string_view, Protocols> protocols = protocols_of_pools(config);
  Place root(found);
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const Pool& pool = config.pools[i];
    Place place = root.in(fmt::format("pools[{}]", i), &pool.origin);
    if (!pool.health_check.enabled) continue;
    warn_of_check(place.in("health_check", nullptr), pool, protocols[pool.name]);
    warn_of_paths(place, pool);
  }
  return found;
}

}  // namespace weir::config
