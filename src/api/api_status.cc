// The calls about Weir itself: health, configuration, connections, metrics, events, description.
#include <fmt/format.h>

#include "api/api_state.h"
#include "api/backend_view.h"
#include "api/openapi.h"
#include "api/redaction.h"
#include "api/status_page.h"
#include "base/text.h"
#include "config/document.h"
#include "config/fields.h"
#include "control/object_json.h"
#include "metrics/families.h"

namespace weir::api {
namespace {

namespace families = metrics::families;

bool is_draining(const Visit& visit) { return visit.state.parts.is_draining && visit.state.parts.is_draining(); }

double uptime_seconds(const Visit& visit) {
  return std::chrono::duration<double>(visit.state.parts.clock.now() - visit.state.started).count();
}

// Over the last ten seconds, as far as samples were taken.
double requests_per_second(const ApiState& state) {
  if (state.samples.size() < 2) return 0;
  const ApiState::Sample &first = state.samples.front(), &last = state.samples.back();
  double seconds = std::chrono::duration<double>(last.at - first.at).count();
  return seconds <= 0 ? 0 : static_cast<double>(last.requests - first.requests) / seconds;
}

// How many backends are in each state.
Json backend_health(const Visit& visit) {
  std::map<pool::BackendState, int> count;
  int total = 0;
  for_each_backend(visit.catalog(), visit.state.parts.publisher, [&](const BackendView& view) {
    ++count[view.running->state.load(std::memory_order_relaxed)];
    ++total;
  });
  Json json{{"total", total}};
  using enum pool::BackendState;
  for (pool::BackendState state : {healthy, unhealthy, not_ready, unknown, draining, disabled})
    json[pool::name(state)] = count[state];
  return json;
}

// Pools that have backends, of which none is healthy, or new and not checked yet.
Json degraded_pools(const Visit& visit) {
  std::map<std::string_view, bool> has_healthy;
  for_each_backend(visit.catalog(), visit.state.parts.publisher, [&](const BackendView& view) {
    pool::BackendState state = view.running->state.load(std::memory_order_relaxed);
    has_healthy[view.pool->name] |= state == pool::BackendState::healthy || state == pool::BackendState::unknown;
  });
  Json names = Json::array();
  for (const auto& [name, healthy] : has_healthy) {
    if (!healthy) names.push_back(name);
  }
  return names;
}

}  // namespace

ApiResult get_health(const Visit& visit) {
  const Api::Parts& parts = visit.state.parts;
  bool draining = is_draining(visit);
  Json degraded = degraded_pools(visit);
  return json_response({{"status", draining           ? "draining"
                                   : degraded.empty() ? "ok"
                                                      : "degraded"},
                        {"load_balancer_id", parts.load_balancer_id},
                        {"version", parts.version},
                        {"uptime_seconds", uptime_seconds(visit)},
                        {"active_connections", parts.registry.total(families::kConnectionsActive.name)},
                        {"requests_per_sec", requests_per_second(visit.state)},
                        {"backend_health", backend_health(visit)},
                        {"degraded_pools", std::move(degraded)},
                        {"set_aside", all_set_aside_json(visit)}},
                       draining ? 503 : 200);
}

ApiResult get_live(const Visit&) { return json_response({{"status", "live"}}); }

ApiResult get_ready(const Visit& visit) {
  if (is_draining(visit)) return json_response({{"status", "draining"}}, 503);
  if (visit.state.parts.publisher.snapshot() == nullptr) return json_response({{"status", "starting"}}, 503);
  return json_response({{"status", "ready"}});
}

// Digests of tokens stay inside.
ApiResult get_config(const Visit& visit) {
  config::Admin admin = visit.config().admin;
  for (config::AdminToken& token : admin.tokens) token.sha256 = kHidden;
  config::Node config = config::write_resource(config::resource<config::Config>(), &visit.config(), {.origin = true});
  for (config::Member& member : config.members) {
    if (member.key == "admin") member.value = config::write_resource(config::resource<config::Admin>(), &admin, {});
  }
  config::Node overrides = config::Node::of_map();
  for (const auto& [key, by_operator] : visit.catalog().effective().overrides) {
    overrides.set(key.text(), config::write_resource(config::resource<control::Override>(), &by_operator, {}));
  }
  config.set("overrides", std::move(overrides));
  config.set("set_aside", config::parse_json(json_text(all_set_aside_json(visit)), "api").root);
  std::string text = config::print_json(config, false);
  std::string etag = etag_of(text);
  return with_etag(json_text_response(std::move(text)), std::move(etag));
}

// The file may have other faults than an object of the API: they name the file.
net::Task<ApiResult> reload_config(Visit& visit) {
  if (visit.dry_run)
    co_return bad_field("dry_run", "cannot be had here; `weir check` reads a file without applying it");
  if (!visit.state.parts.reload) co_return conflict("Weir was started without a configuration file");
  control::Reloaded reloaded = co_await visit.state.parts.reload();
  config::Faults& faults = reloaded.faults;
  if (faults.empty()) {
    co_return json_response(
        {{"result", "applied"}, {"needs_restart", reloaded.needs_restart}, {"set_aside", all_set_aside_json(visit)}});
  }
  std::string detail = "the configuration stays as it was";
  for (const config::Fault& fault : faults) detail += "; " + config::format(fault);
  co_return std::unexpected(Problem{.status = 409, .detail = std::move(detail), .faults = std::move(faults)});
}

ApiResult get_connections(const Visit& visit) {
  metrics::Registry& registry = visit.state.parts.registry;
  Json listeners = Json::array();
  for (const config::Listener& listener : visit.config().listeners) {
    metrics::Counter active = registry.gauge(families::kConnectionsActive, {listener.name});
    listeners.push_back({{"listener", listener.name},
                         {"address", listener.address},
                         {"active_connections", active.total(registry.slots())}});
  }
  Json backends = Json::array();
  for_each_backend(visit.catalog(), visit.state.parts.publisher, [&](const BackendView& view) {
    const pool::Backend& running = *view.running;
    backends.push_back({{"pool", view.pool->name},
                        {"id", view.definition->id},
                        {"active_connections", running.in_flight.load(std::memory_order_relaxed)},
                        {"open_connections", running.places.taken()},
                        {"queued", running.places.waiting()}});
  });
  return json_response({{"active_connections", registry.total(families::kConnectionsActive.name)},
                        {"listeners", std::move(listeners)},
                        {"backends", std::move(backends)}});
}

ApiResult get_metrics(const Visit& visit) {
  return ApiResponse{.status = 200,
                     .headers = {{"Content-Type", std::string(metrics::Registry::kContentType)}},
                     .body = visit.state.parts.registry.exposition()};
}

// Without Last-Event-ID a stream begins with what happens next.
ApiResult get_events(const Visit& visit) {
  const control::EventLog& events = visit.state.parts.events;
  std::optional<control::EventLog::Start> start = events.start_after(visit.request.last_event_id);
  if (!start) return bad_field("Last-Event-ID", "must be the id of an event");
  return ApiResponse{.status = 200,
                     .headers = {{"Content-Type", "text/event-stream"}},
                     .body = events.opening(*start),
                     .events_after = start->after};
}

ApiResult get_openapi(const Visit& visit) {
  return json_text_response(openapi(visit.kinds(), visit.state.parts.version));
}

ApiResult get_index(const Visit&) {
  return ApiResponse{.status = 200,
                     .headers = {{"Content-Type", "text/html; charset=utf-8"},
                                 {"Content-Security-Policy", std::string(kStatusPagePolicy)}},
                     .body = status_page()};
}

}  // namespace weir::api
