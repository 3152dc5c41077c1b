#include "app/explain.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "app/explain_filters.h"
#include "app/explain_pool.h"
#include "app/explain_values.h"
#include "app/text_table.h"
#include "app/weir.h"
#include "balance/strategy.h"
#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "config/json.h"
#include "config/listen_address.h"
#include "config/warnings.h"
#include "control/effective.h"
#include "exchange/forwarded.h"
#include "http/forward.h"
#include "http/h1_codec.h"
#include "http/target.h"
#include "route/name_table.h"
#include "route/path_rules.h"
#include "route/table.h"
#include "worker/admission.h"

namespace weir::app {
namespace {

// "listener   web ..." lines: a label, then text.
void line(std::string& out, std::string_view label, std::string_view text) {
  out += fmt::format("{:<10} {}\n", label, printable(text));
}

std::string where(const config::Origin& origin) {
  return origin.line > 0 ? fmt::format(", {}:{}", origin.file, origin.line) : "";
}

// The listener a connection to that URL ends at. A host that is a name may resolve to any address.
const config::Listener* find_listener(const config::Config& config, const ExplainUrl& url, std::string& out) {
  if (url.authority.empty()) {
    auto first = std::ranges::find_if(config.listeners, control::takes_rules);
    if (first == config.listeners.end()) return nullptr;
    line(out, "note", "the URL names no port: the first listener that speaks HTTP is taken");
    return &*first;
  }
  auto ip = base::IpAddress::parse(url.host);
  const config::Listener* found = nullptr;
  for (const config::Listener& listener : config.listeners) {
    if (listener.protocol == config::ListenerProtocol::udp) continue;
    bool possible = false;
    for (const base::SocketAddress& address : config::socket_addresses(listener.address)) {
      if (address.port != url.port) continue;
      if (ip && address.ip == *ip) return &listener;
      possible = possible || address.ip.is_unspecified() || !ip;
    }
    if (!possible) continue;
    if (found != nullptr) {
      line(out, "note", fmt::format("listener {} ({}) has this port as well", listener.name, listener.address));
      continue;
    }
    found = &listener;
  }
  return found;
}

std::string no_listener(const config::Config& config, const ExplainUrl& url) {
  std::vector<std::string> all;
  all.reserve(config.listeners.size());
  for (const config::Listener& listener : config.listeners) {
    bool udp = listener.protocol == config::ListenerProtocol::udp;
    all.push_back(fmt::format("{} on {}{}", listener.name, listener.address, udp ? " (UDP)" : ""));
  }
  if (all.empty()) return "none: the configuration has no listeners";
  if (url.authority.empty()) return fmt::format("none speaks HTTP; there is {}", fmt::join(all, ", "));
  return fmt::format("none accepts connections to {}:{}; there is {}", url.host, url.port, fmt::join(all, ", "));
}

std::string head_text(const ExplainRequest& request, const ExplainUrl& url) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, url.target);
  bool has_host = std::ranges::any_of(request.headers, [](const std::string& header) {
    return http::header_id(std::string_view(header).substr(0, header.find(':'))) == http::HeaderId::host;
  });
  if (!has_host) text += fmt::format("Host: {}\r\n", url.authority.empty() ? "localhost" : url.authority);
  for (const std::string& header : request.headers) text += header + "\r\n";
  return text + "\r\n";
}

// The error says how Weir answers the request without looking at routes.
base::Checked<void> admit(const http::Parsed& parsed, std::size_t bytes, const http::RequestHead& head) {
  using State = http::Parsed::State;
  auto refuse = [](std::string why) { return std::unexpected(std::move(why)); };
  if (parsed.state == State::invalid) return refuse(fmt::format("refused with {}: {}", parsed.status, parsed.what));
  if (parsed.state == State::incomplete) return refuse("incomplete: Weir would wait for the rest of the header");
  if (parsed.consumed != bytes) {
    return refuse("a header that ends early: a line break in what was given makes two of it");
  }
  if (head.method == "CONNECT" || head.method == "TRACE") {
    return refuse(fmt::format("refused with 405: {}", head.method));
  }
  if (http::max_forwards(head).action == http::MaxForwards::Action::respond) {
    return refuse("answered here: Max-Forwards is 0");
  }
  return {};
}

std::string changes_text(const config::HeaderChanges& changes) {
  std::vector<std::string> all;
  all.reserve(changes.set.size() + changes.add.size() + changes.remove.size());
  for (const auto& [name, value] : changes.set) all.push_back(fmt::format("sets {}: {}", name, value));
  for (const auto& [name, value] : changes.add) all.push_back(fmt::format("adds {}: {}", name, value));
  for (const std::string& name : changes.remove) all.push_back(fmt::format("removes {}", name));
  return fmt::format("{}", fmt::join(all, ", "));
}

void tell_routes(std::string& out, const config::Listener& listener, const std::vector<route::Table::Reason>& reasons) {
  if (reasons.empty()) line(out, "routes", "none");
  bool first = true;
  for (const route::Table::Reason& reason : reasons) {
    std::string_view verdict = reason.matched ? "matches" : "no";
    line(out, std::exchange(first, false) ? "routes" : "",
         fmt::format("{}: {}: {}", listener.routes[reason.route].name, verdict, reason.why));
  }
}

// Appends the route's rewrite, headers and action, but not its pool. False when the route cannot serve the request.
bool tell_route(std::string& out, const config::Listener& listener, const route::Table& table, std::uint32_t index,
                const http::RequestHead& head, ExplainValues& values, base::Arena& arena) {
  const config::Route& route = listener.routes[index];
  line(out, "route", fmt::format("{}{}", route.name, where(route.origin)));
  values.of_route(route);
  bool taken = true;
  if (route.redirect) {
    std::string_view location = table.redirect_location(index, head, values, arena);
    taken = !location.empty();
    line(out, "answer",
         location.empty() ? "400: the redirect needs a Host"
                          : fmt::format("{} redirect to {}", route.redirect->status, location));
  } else if (route.respond) {
    line(out, "answer",
         fmt::format("{} with a body of {} bytes ({})", route.respond->status, route.respond->body.size(),
                     route.respond->content_type));
  } else {
    std::string_view target = table.rewritten_target(index, head, values, arena);
    std::optional<std::string_view> host = table.rewritten_host(index, head, values, arena);
    taken = !target.empty() && host.has_value();
    if (!taken) {
      line(out, "answer", "400: the route cannot rewrite this request");
      return false;
    }
    if (target != http::origin_target(head, arena)) line(out, "rewrite", fmt::format("the backend sees {}", target));
    if (!host->empty()) line(out, "host", *host);
    if (!route.request_headers.empty()) line(out, "request", changes_text(route.request_headers));
  }
  if (!route.response_headers.empty()) line(out, "response", changes_text(route.response_headers));
  return taken;
}

// `said` is why this pool. False when no backend of it takes work.
bool tell_pool(std::string& out, const config::Config& config, const std::string& name, std::string_view said,
               const http::RequestHead& head, const base::IpAddress& client) {
  auto pool = std::ranges::find(config.pools, name, &config::Pool::name);
  if (pool == config.pools.end()) {
    line(out, "pool", fmt::format("{}, which does not exist", name));
    return false;
  }
  line(out, "pool", fmt::format("{}{}: {}", name, said, describe_strategy(*pool)));
  if (std::string why = config::weights_warning(*pool, balance::strategies()); !why.empty()) line(out, "warning", why);
  for (const std::string& each : describe_backends(*pool, head, client)) line(out, "", each);
  line(out, "passive", describe_passive(*pool));
  return std::ranges::any_of(pool->backends, takes_work);
}

// A connection whose bytes are passed on, whatever they say.
bool tell_relayed(std::string& out, const config::Config& config, const config::Listener& listener,
                  const ExplainUrl& url, const base::IpAddress& client) {
  line(out, "answer", "none of Weir: it relays the bytes of the connection and does not read requests");
  if (listener.protocol == config::ListenerProtocol::tls) {
    std::vector<std::string> alpn{"h2", "http/1.1"};  // what browsers offer
    std::string name = base::IpAddress::parse(url.host) ? "" : base::to_lower(url.host);
    std::uint32_t index = route::NameTable(listener).find(name, alpn, client);
    if (index != route::kNoRoute) {
      const config::Route& route = listener.routes[index];
      line(out, "route", fmt::format("{}{}: by the server name {}", route.name, where(route.origin), name));
      return tell_pool(out, config, route.pool, "", {}, client);
    }
    if (listener.pool.empty()) {
      line(out, "route", "no route takes the server name: the connection is closed");
      return false;
    }
  }
  return tell_pool(out, config, listener.pool, "", {}, client);
}

bool tell_exchange(std::string& out, const config::Config& config, const config::Listener& listener,
                   const ExplainRequest& request, const ExplainUrl& url, const base::IpAddress& peer) {
  std::string_view scheme = listener.protocol == config::ListenerProtocol::https ? "https" : "http";
  if (!url.authority.empty() && url.https != (scheme == "https")) {
    line(out, "note", fmt::format("this listener speaks {}: taken as if the URL said so", scheme));
  }
  std::string text = head_text(request, url);
  http::HeadLimits limits{.start_line_bytes = listener.limits.request_line_bytes,
                          .head_bytes = listener.limits.header_bytes,
                          .header_count = listener.limits.header_count};
  http::RequestHead head;
  http::Parsed parsed = http::parse_request_head(text, limits, head);
  if (base::Checked<void> admitted = admit(parsed, text.size(), head); !admitted) {
    line(out, "answer", admitted.error());
    return false;
  }
  base::Arena arena;
  if (const char* broken = http::canonicalize(head, route::path_rules(listener.paths), arena)) {
    line(out, "answer", fmt::format("refused with 400: {}", broken));
    return false;
  }
  if (std::string_view(url.target).substr(0, url.target.find('?')) != head.routed_path) {
    line(out, "path", fmt::format("{}, as routes compare it", head.routed_path));
  }
  bool trusted = exchange::is_trusted(peer, listener.trusted_proxies);
  exchange::Forwarded forwarded = exchange::forwarded(head, peer, trusted, scheme, listener.trusted_proxies, arena);
  if (forwarded.client != peer) {
    line(out, "client",
         fmt::format("{} by X-Forwarded-For of the trusted {}", forwarded.client.to_string(), peer.to_string()));
  }
  auto table = route::Table::compile(listener);
  tell_routes(out, listener, table->explain(head, forwarded.client));
  std::uint32_t index = exchange::route_of(listener, *table, head, forwarded, arena);
  const config::Route* route = index == route::kNoRoute ? nullptr : &listener.routes[index];
  ExplainedFilters filters = explain_filters(listener, route, head, forwarded.client, arena);
  if (!filters.names.empty()) line(out, "filters", filters.names);
  if (!filters.answer.empty()) {
    line(out, "answer", filters.answer);
    return false;
  }
  std::string pool_name = listener.pool;
  if (index != route::kNoRoute) {
    ExplainValues values(listener, forwarded, url.host, url.port);
    const bool taken = tell_route(out, listener, *table, index, head, values, arena);
    pool_name = listener.routes[index].pool;
    if (pool_name.empty() || !taken) return taken;
  } else if (pool_name.empty()) {
    line(out, "answer", "404: no route takes it, and the listener has no pool of its own");
    return false;
  }
  return tell_pool(out, config, pool_name, index == route::kNoRoute ? ", what no route takes" : "", head,
                   forwarded.client);
}

// Where nothing takes a request, its backends may stand in a pool that traffic never reaches.
void tell_unused_pools(std::string& out, const config::Config& config) {
  for (const config::Pool& pool : config.pools) {
    if (pool.backends.empty()) continue;
    if (std::string why = config::unused_warning(config, pool.name); !why.empty()) line(out, "warning", why);
  }
}

bool tell_listener(std::string& out, const config::Config& config, const config::Listener& listener,
                   const ExplainRequest& request, const ExplainUrl& url, const base::IpAddress& peer) {
  line(out, "listener", fmt::format("{} ({}{})", listener.name, listener.address, where(listener.origin)));
  worker::Admission admission;
  worker::Counted counted = worker::Counted::no;
  if (admission.admit(listener, peer, {}, counted) == worker::Refusal::denied) {
    line(out, "answer", fmt::format("none: {} may not connect, by allow and deny", peer.to_string()));
    return false;
  }
  return control::takes_rules(listener) ? tell_exchange(out, config, listener, request, url, peer)
                                        : tell_relayed(out, config, listener, url, peer);
}

}  // namespace

base::Checked<Explanation> explain(const config::Config& read, const ExplainRequest& request) {
  WEIR_TRY_TO(ExplainUrl url, parse_url(request.url));
  auto client = base::IpAddress::parse(request.client);
  if (!client) return std::unexpected(fmt::format("'{}' is no client address", printable(request.client)));
  // With what Weir itself adds, as it runs.
  auto merged = control::merge(read, {}, kinds());
  if (!merged) return std::unexpected(config::format(merged.error().faults.front()));
  const config::Config& config = *merged->config;
  std::string out;
  line(out, "request",
       fmt::format("{} {} for {} from {}", request.method, url.target,
                   url.authority.empty() ? "no host" : url.authority, client->to_string()));
  const config::Listener* listener = find_listener(config, url, out);
  if (listener == nullptr) line(out, "listener", no_listener(config, url));
  const bool taken = listener != nullptr && tell_listener(out, config, *listener, request, url, *client);
  if (!taken) tell_unused_pools(out, config);
  return Explanation{.text = std::move(out), .taken = taken};
}

}  // namespace weir::app
