#include <fmt/format.h>
#include <map>
#include <set>

#include "config/checks.h"
#include "config/reader.h"
#include "config/warnings.h"

namespace weir::config {
namespace {

using Protocols = std::set<ListenerProtocol>;

// The protocols of the listeners that use each pool.
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

using Checkers = std::span<const KindEntry>;

// The HTTP version that the checker is told to speak; "auto" where it may choose.
std::string http_version(const Choice& checker) {
  auto version = checker.options.find("version");
  return version == checker.options.end() ? "auto" : std::get<std::string>(version->second);
}

// "`type: udp`", or several of them: those whose traits fit.
std::string types(Checkers checkers, bool (*fits)(const Traits&)) {
  std::string out;
  for (const KindEntry& checker : checkers) {
    if (fits(checker.traits)) out += fmt::format("{}`type: {}`", out.empty() ? "" : " or ", checker.name);
  }
  return out;
}

// Checks that speak otherwise than traffic does.
void warn_of_check(const Place& place, const Pool& pool, const Protocols& protocols, const KindEntry& checker,
                   Checkers checkers) {
  const Traits& traits = checker.traits;
  bool only_udp = protocols.size() == 1 && protocols.contains(ListenerProtocol::udp);
  if (!traits.over_udp && !traits.runs_program && only_udp) {
    place.fault("type", fmt::format("{} probes over TCP, but only udp listeners use the pool: backends that listen on "
                                    "UDP alone fail; use {}, or `health_check: off`",
                                    quoted(checker.name), types(checkers, [](const Traits& t) { return t.over_udp; })));
  }
  if (traits.over_udp && !protocols.empty() && !protocols.contains(ListenerProtocol::udp)) {
    place.fault("type", fmt::format("{} probes by datagrams, but no udp listener uses the pool", quoted(checker.name)));
  }
  bool by_http = has_http(protocols);
  if (traits.needs_http2 && by_http && pool.protocol == PoolProtocol::http_1_1) {
    place.fault("type", fmt::format("{} needs HTTP/2, but the pool speaks HTTP/1.1 to its backends; set its "
                                    "`protocol: h2`",
                                    quoted(checker.name)));
  }
  std::string version = http_version(pool.health_check.checker);
  if (by_http && pool.protocol == PoolProtocol::h2 && version != "auto" && version != "2") {
    place.fault("version", fmt::format("probes by HTTP/{}, but the pool speaks HTTP/2 to its backends", version));
  }
  if (by_http && pool.protocol == PoolProtocol::http_1_1 && version == "2") {
    place.fault("version", "probes by HTTP/2, but the pool speaks HTTP/1.1 to its backends");
  }
  bool passes_tls = protocols.size() == 1 && protocols.contains(ListenerProtocol::tls);
  bool in_clear = tls_of_probes(pool) == nullptr;
  if (traits.over_http && passes_tls && in_clear && pool.health_check.port == 0) {
    place.fault("type", fmt::format("{} probes in clear, but tls listeners pass TLS through to the backends; use {}, "
                                    "`tls` of the check, or a `port` of its own",
                                    quoted(checker.name), types(checkers, [](const Traits& t) { return t.by_any; })));
  }
}

void warn_of_paths(const Place& place, const Pool& pool, const KindEntry& checker) {
  if (checker.traits.asks_path || checker.name == kUsualChecker) return;
  for (std::size_t i = 0; i < pool.backends.size(); ++i) {
    if (pool.backends[i].health_check_path.empty()) continue;
    place.in(fmt::format("backends[{}]", i), &pool.backends[i].origin)
        .fault("health_check_path", fmt::format("is not used: the pool is probed by {}", checker.name));
  }
}

}  // namespace

Faults warnings_of_checks(const Config& config, std::span<const KindEntry> checkers) {
  Faults found;
  std::map<std::string_view, Protocols> protocols = protocols_of_pools(config);
  Place root(found);
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const Pool& pool = config.pools[i];
    Place place = root.in(fmt::format("pools[{}]", i), &pool.origin);
    const KindEntry* checker = find_entry(checkers, pool.health_check.checker.name);
    if (!pool.health_check.enabled || checker == nullptr) continue;
    warn_of_check(place.in("health_check", nullptr), pool, protocols[pool.name], *checker, checkers);
    warn_of_paths(place, pool, *checker);
  }
  return found;
}

}  // namespace weir::config
