// Rules for tcp and tls listeners, and for the keys about connections that all listeners have.
#include <fmt/format.h>
#include <unordered_map>

#include "config/checks.h"
#include "config/json.h"
#include "config/reader.h"

namespace weir::config {
namespace {

void check_without_requests(const Place& place, const Listener& listener) {
  if (listener.http2 != Http2()) {
    place.fault("http2",
                fmt::format("is for listeners that speak HTTP; a {} listener does not", name(listener.protocol)));
  }
  if (listener.max_connection_age.count() > 0) {
    place.fault("max_connection_age",
                fmt::format("asks clients by HTTP, which a {} listener does not speak", name(listener.protocol)));
  }
  if (listener.min_rate != MinRate()) {
    place.fault("min_rate",
                fmt::format("is about bodies of HTTP, which a {} listener does not speak", name(listener.protocol)));
  }
  if (listener.forward != Forward()) {
    place.fault("forward",
                fmt::format("is about headers of HTTP, which a {} listener does not read", name(listener.protocol)));
  }
  if (listener.paths != Paths()) {
    place.fault("paths",
                fmt::format("is about requests of HTTP, which a {} listener does not read", name(listener.protocol)));
  }
  if (!listener.via.empty()) {
    place.fault("via", fmt::format("is a header of HTTP, which a {} listener does not speak", name(listener.protocol)));
  }
}

void check_no_connections(const Place& place, const Listener& listener) {
  if (listener.socket != SocketOptions()) place.fault("socket", "is about TCP; remove it from a udp listener");
  if (listener.proxy_protocol != AcceptProxy::off) place.fault("proxy_protocol", "is not offered for udp listeners");
}

void check_tcp(const Place& place, const Listener& listener) {
  check_without_requests(place, listener);
  if (!listener.routes.empty()) {
    place.fault("routes", "a tcp listener sees no requests to route; name the pool of all its connections in `pool`");
  }
  if (listener.pool.empty()) {
    place.fault("pool", "is missing: a tcp listener needs the pool that takes its connections");
  }
}

void check_passthrough(const Place& place, const Listener& listener) {
  if (listener.tls) {
    place.fault("tls", "belongs to listeners that decrypt: https, or tcp; a tls listener passes TLS through as it is");
  }
  check_without_requests(place, listener);
  if (listener.pool.empty() && listener.routes.empty()) {
    place.fault("pool", "is missing: a tls listener needs routes by server name, or the pool of all its connections");
  }
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    const Route& route = listener.routes[i];
    Place at = place.in(fmt::format("routes[{}]", i), &route.origin);
    Match seen;
    seen.host = route.match.host;
    seen.client = route.match.client;
    seen.alpn = route.match.alpn;
    if (!(seen == route.match)) {
      at.fault("match", "a tls listener passes through what it cannot read: it matches host, alpn and client only");
    }
    bool changes = !(route.rewrite == Rewrite()) || !route.request_headers.empty() || !route.response_headers.empty();
    if (route.pool.empty() || changes) {
      at.fault("", "a route of a tls listener names a pool and changes nothing, as it cannot read what passes through");
    }
  }
}

bool speaks_http(const Listener& listener) {
  return listener.protocol == ListenerProtocol::http || listener.protocol == ListenerProtocol::https;
}

// The listeners that give work to a pool: one of those without requests, and whether any has requests.
struct Users {
  const Listener* without_requests = nullptr;
  bool http = false;
  void add(const Listener& listener) {
    if (speaks_http(listener)) {
      http = true;
    } else {
      without_requests = &listener;
    }
  }
};

// "source_ip", or several names: the methods that work without requests.
std::string without_requests(std::span<const KindEntry> methods) {
  std::string out;
  for (const KindEntry& method : methods) {
    if (!method.traits.needs_requests) out += fmt::format("{}{}", out.empty() ? "" : " or ", method.name);
  }
  return out;
}

}  // namespace

// A pool that HTTP shares keeps its stickiness there; a pool that nobody uses may get an HTTP listener yet.
void check_stickiness(const Place& root, const Config& config, std::span<const KindEntry> methods) {
  std::unordered_map<std::string_view, Users> users;
  for (const Listener& listener : config.listeners) {
    if (!listener.pool.empty()) users[listener.pool].add(listener);
    for (const Route& route : listener.routes) {
      if (!route.pool.empty()) users[route.pool].add(listener);
    }
  }
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const Pool& pool = config.pools[i];
    const KindEntry* method = find_entry(methods, pool.sticky.method.name);
    if (method == nullptr || !method->traits.needs_requests) continue;
    auto found = users.find(pool.name);
    if (found == users.end() || found->second.http) continue;
    const Listener& listener = *found->second.without_requests;
    root.in(fmt::format("pools[{}]", i), &pool.origin)
        .fault("sticky.type",
               fmt::format("{} knows clients by their HTTP requests, which the {} listener {} does not see; use {}, or "
                           "remove it",
                           quoted(method->name), name(listener.protocol), quoted(listener.name),
                           without_requests(methods)));
  }
}

void check_connections(const Place& place, const Listener& listener) {
  if (listener.protocol == ListenerProtocol::tcp) check_tcp(place, listener);
  if (listener.protocol == ListenerProtocol::tls) check_passthrough(place, listener);
  if (listener.proxy_protocol != AcceptProxy::off && listener.trusted_proxies.empty()) {
    place.fault("proxy_protocol",
                "needs trusted_proxies: anybody else could claim to be anybody; list the addresses of the proxies");
  }
  if (listener.protocol == ListenerProtocol::udp) check_no_connections(place, listener);
  if (listener.protocol == ListenerProtocol::tls) return;
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    const Route& route = listener.routes[i];
    if (route.match.alpn.empty()) continue;
    place.in(fmt::format("routes[{}]", i), &route.origin).fault("match.alpn", "is matched on tls listeners only");
  }
}

}  // namespace weir::config
