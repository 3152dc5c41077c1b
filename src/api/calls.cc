// The table of calls: everything the API can do.
#include "api/api_state.h"
#include "api/bodies.h"
#include "config/fields.h"

namespace weir::api {
namespace {

using enum Permission;
using config::resource;

constexpr std::string_view kPool = "pool", kDrainTimeout = "drain_timeout", kPoolAndDrainTimeout = "pool drain_timeout";

constexpr Call definitions(std::string_view path, Handler handler, std::string_view summary) {
  Call call{"GET", path, viewer, handler, summary};
  call.shows_definitions = true;
  return call;
}

// A change of what operators say, which waits for nobody; the reload of the file, whose turn is its own.
constexpr Call at_once(Call call) {
  call.is_in_turn = false;
  return call;
}

constexpr Call kCalls[] = {
    {"GET", "/backends", viewer, list_backends, "every backend with its state and counters", 200, nullptr,
     "pool status"},
    {"POST", "/backends", admin, create_backend, "adds a backend to a pool", 201, resource<config::Backend>},
    {"GET", "/backends/{id}", viewer, get_backend, "one backend", 200, nullptr, kPool},
    at_once({"PATCH", "/backends/{id}", admin, patch_backend, "changes some members of a backend", 200,
             resource<config::Backend>, kPool}),
    {"DELETE", "/backends/{id}", admin, delete_backend, "removes a backend; work in progress ends within drain_timeout",
     200, nullptr, kPoolAndDrainTimeout},
    {"GET", "/backends/{id}/health", viewer, get_backend_health,
     "state, last probe, last error and history of a backend", 200, nullptr, kPool},
    at_once({"POST", "/backends/{id}/drain", operator_, drain_backend,
             "stop sending new requests; those in progress finish within drain_timeout", 200, nullptr,
             kPoolAndDrainTimeout}),
    at_once({"POST", "/backends/{id}/enable", operator_, enable_backend, "ends draining or disabling", 200, nullptr,
             kPool}),
    at_once({"POST", "/backends/{id}/disable", operator_, disable_backend, "no work until it is enabled", 200, nullptr,
             kPool}),
    at_once({"POST", "/backends/{id}/eject", operator_, eject_backend,
             "no new requests for a duration, then one as a trial, in all pools that have the same server", 200,
             nullptr, "pool duration"}),
    at_once({"POST", "/backends/{id}/readmit", operator_, readmit_backend, "ends an ejection without a trial", 200,
             nullptr, kPool}),
    {"PUT", "/config/algorithm", admin, put_algorithm, "another algorithm or stickiness for a pool", 200,
     resource<AlgorithmBody>},
    definitions("/pools", list_pools, "every pool with its backends"),
    {"POST", "/pools", admin, create_pool, "adds a pool", 201, resource<config::Pool>},
    definitions("/pools/{name}", get_pool, "one pool"),
    {"PUT", "/pools/{name}", admin, put_pool, "creates or replaces a pool; without `backends` it keeps those it has",
     200, resource<config::Pool>},
    {"DELETE", "/pools/{name}", admin, delete_pool, "removes a pool and its backends", 200, nullptr, kDrainTimeout},
    definitions("/listeners", list_listeners, "every listener"),
    {"POST", "/listeners", admin, create_listener, "adds a listener", 201, resource<config::Listener>},
    definitions("/listeners/{name}", get_listener, "one listener"),
    {"PUT", "/listeners/{name}", admin, put_listener, "creates or replaces a listener", 200,
     resource<config::Listener>},
    {"DELETE", "/listeners/{name}", admin, delete_listener, "removes a listener"},
    {"GET", "/routing-rules", viewer, list_rules, "every routing rule"},
    {"POST", "/routing-rules", admin, create_rule, "sends a path on every HTTP listener to chosen backends", 201,
     resource<control::Rule>},
    {"GET", "/routing-rules/{id}", viewer, get_rule, "one routing rule"},
    {"PUT", "/routing-rules/{id}", admin, put_rule, "creates or replaces a routing rule", 200, resource<control::Rule>},
    {"DELETE", "/routing-rules/{id}", admin, delete_rule, "removes a routing rule"},
    {"GET", "/certificates", viewer, list_certificates, "every certificate in use, without its key"},
    {"GET", "/certificates/{name}", viewer, get_certificate, "one certificate, without its key"},
    {"PUT", "/certificates/{name}", admin, put_certificate, "creates or replaces a certificate; a bad one is refused",
     200, resource<control::ApiCertificate>},
    {"DELETE", "/certificates/{name}", admin, delete_certificate, "removes a certificate"},
    {"GET", "/health", viewer, get_health, "Weir itself in numbers; 503 while it is draining"},
    {"GET", "/health/live", anyone, get_live, "200 as long as Weir runs"},
    {"GET", "/health/ready", anyone, get_ready, "200 while Weir takes traffic, 503 before and while it is draining"},
    definitions("/config", get_config, "the effective configuration with the origin of each object"),
    at_once({"POST",
             "/config/reload",
             operator_,
             reload_config,
             "reads the configuration file again and applies it",
             200,
             nullptr,
             {},
             false}),
    {"GET", "/connections", viewer, get_connections, "connections in progress by listener and backend"},
    {"GET", "/metrics", viewer, get_metrics, "Prometheus text format 0.0.4"},
    {"GET", "/events", viewer, get_events, "server-sent events: changes, health, reloads"},
    {"GET", "/openapi.json", viewer, get_openapi, "this description"},
    {"GET", "/", anyone, get_index, "a page for people, which asks for a token where one is needed"},
};

}  // namespace

std::span<const Call> calls() { return kCalls; }

}  // namespace weir::api
