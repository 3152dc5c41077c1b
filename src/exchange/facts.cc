#include "exchange/facts.h"

#include "base/text.h"
#include "exchange/grpc.h"

namespace weir::exchange {

namespace {

// Whether the list of protocols has h2c (RFC 7540 3.2), in any case and version.
bool asks_for_h2c(std::string_view protocols) {
  std::string lower = base::to_lower(protocols);
  return lower.find("h2c") != std::string::npos;
}

// A handshake is a GET without a body (RFC 6455 4.1). Any other request is served as an ordinary one (RFC 9110 7.8).
// Other protocols have no such rule.
bool may_open_websocket(const http::RequestHead& request) {
  if (!base::equal_ignoring_case(request.upgrade, "websocket") || request.extended_connect) return true;
  bool has_body = request.body.kind == http::BodyFraming::Kind::chunked || request.body.length > 0;
  return request.method == "GET" && !has_body;
}

}  // namespace

void begin(Facts& facts, const worker::ClientConnection& client, http::RequestHead& request, base::Arena& arena) {
  worker::Worker& worker = client.worker;
  facts.snapshot = worker.snapshot_of(client.listening);
  facts.started = worker.reactor.now();
  facts.timeouts.global = &facts.snapshot->timeouts;
  std::uint32_t index = client.listening.index;
  if (index != UINT32_MAX) {
    facts.listener = facts.snapshot->listeners[index].get();
    const config::Listener& listener = *facts.listener->config;
    facts.timeouts.listener = &listener.timeouts;
    facts.peer_trusted = is_trusted(client.facts.peer.ip, listener.trusted_proxies);
    facts.forwarded = forwarded(request, client.facts.peer.ip, facts.peer_trusted, client.facts.scheme(),
                                listener.trusted_proxies, arena);
  }
  facts.request_id = worker::request_id(request, facts.peer_trusted, worker.request_ids, arena);
  facts.certificate = client.facts.certificate();
  // HTTP/2 inside a tunnel would bypass every rule.
  if (request.wants_upgrade && asks_for_h2c(request.upgrade)) request.wants_upgrade = false;
  if (request.wants_upgrade && !may_open_websocket(request)) request.wants_upgrade = false;
  // A tunnel carries no call, whatever its header says.
  facts.is_call = is_grpc(request.headers) && !request.wants_upgrade;
}

void find_route(Facts& facts, const worker::ClientConnection& client, const http::RequestHead& request,
                base::Arena& arena) {
  const config::Listener& listener = *facts.listener->config;
  facts.route = route_of(listener, *facts.listener->routes, request, facts.forwarded, arena);
  const std::vector<std::uint32_t>& pools = facts.snapshot->pool_of_route[client.listening.index];
  std::uint32_t pool = pools.back();
  if (facts.route != route::kNoRoute) {
    facts.route_config = &listener.routes[facts.route];
    facts.timeouts.route = &facts.route_config->timeouts;
    pool = pools[facts.route];
  }
  if (pool == worker::kNoPool) return;
  facts.pool = facts.snapshot->pools[pool].get();
  facts.timeouts.pool = &facts.pool->config->timeouts;
}

}  // namespace weir::exchange
