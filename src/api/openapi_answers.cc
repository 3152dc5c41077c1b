#include "api/openapi_answers.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "api/problem.h"
#include "control/object_json.h"

namespace weir::api {
namespace {

using config::Node;

// Members are "name:type" with a space between: a type is string, integer, number, boolean, time, any, @shape, a list
// [] of one, words|of|an|enumeration; "?" behind it: or null; "*": the member may be absent.
struct Shape {
  std::string_view name;
  std::string_view members;
};

constexpr std::string_view kStates = "unknown|healthy|unhealthy|draining|disabled|not_ready";

constexpr std::string_view kEjectionReasons =
#define WEIR_EJECTION_REASON(word, meaning) #word "|"
#include "pool/ejection_reasons.def"
#undef WEIR_EJECTION_REASON
    ;

constexpr Shape kShapes[] = {
    {"origin", "file:string line:integer* column:integer*"},
    {"set_aside",
     "id:string* pool:string* name:string* rule_id:string* status:set_aside| reason:string origin:@origin"},
    {"backend_state",
     "id:string pool:string host:string port:integer address:string weight:integer file_weight:integer? status:$states "
     "ejected:@backend_ejection? enabled:boolean max_connections:integer health_check_path:string "
     "health_override:healthy|unhealthy? "
     "stored:boolean active_connections:integer open_connections:integer queued:integer total_requests:integer "
     "failed_requests:integer origin:@origin agent:@agent* warnings:[]string*"},
    {"agent",
     "words:string at:time? weight:number max_connections:integer? state:ready|drain|maint|down error:string?"},
    {"backend_or_set_aside", "@backend_state @set_aside"},
    {"backends", "backends:[]@backend_or_set_aside"},
    {"removed_backend", "id:string pool:string status:deregistered| drained_connections:integer"},
    {"check", "at:time ok:boolean latency_ms:number error:string? detail:string*"},
    {"backend_ejection",
     "state:ejected|waits_for_trial|trial since:time until:time reason:$ejection_reasons detail:string count:integer"},
    {"ejection_change", "at:time action:ejected|returned reason:$ejection_reasons? detail:string"},
    {"state_change", "at:time from:$states to:$states reason:string"},
    {"backend_health",
     "id:string pool:string status:$states probed_status:$states since:time? active_connections:integer "
     "total_requests:integer failed_requests:integer consecutive_failures:integer consecutive_successes:integer "
     "last_check:@check? last_ready_check:@check* history:[]@state_change ejected:@backend_ejection? "
     "ejections:[]@ejection_change"},
    {"algorithm_result",
     "pool:string algorithm:string previous_algorithm:string sticky_sessions:boolean sticky_ttl_seconds:integer"},
    {"pool_or_set_aside", "@pool @set_aside"},
    {"pools", "pools:[]@pool_or_set_aside"},
    {"removed_pool", "name:string status:deleted| backends:integer* drained_connections:integer*"},
    {"listener_or_set_aside", "@listener @set_aside"},
    {"listeners", "listeners:[]@listener_or_set_aside"},
    {"removed", "name:string* rule_id:string* status:deleted|"},
    {"routing_rule",
     "rule_id:string path_prefix:string host:string? algorithm:string backends:[]string session_sticky:boolean"},
    {"rule_or_set_aside", "@routing_rule @set_aside"},
    {"routing_rules", "routing_rules:[]@rule_or_set_aside"},
    {"certificate_in_use",
     "name:string origin:string names:[]string subject:string issuer:string serial:string sha256:string key:string "
     "not_before_unix:integer not_after_unix:integer days_left:integer ocsp_responder:string "
     "stapled_until_unix:integer?"},
    {"certificate_name", "name:string"},
    {"certificate_or_set_aside", "@certificate_in_use @set_aside @certificate_name"},
    {"certificates", "certificates:[]@certificate_or_set_aside"},
    {"states_of_backends",
     "total:integer healthy:integer unhealthy:integer unknown:integer draining:integer disabled:integer"},
    {"health",
     "status:string load_balancer_id:string version:string uptime_seconds:number active_connections:integer "
     "requests_per_sec:number backend_health:@states_of_backends degraded_pools:[]string "
     "set_aside:[]@object_set_aside"},
    {"status", "status:string"},
    {"object_set_aside", "object:string id:string status:set_aside| reason:string"},
    {"reloaded", "result:applied| needs_restart:[]string set_aside:[]@object_set_aside"},
    {"listener_connections", "listener:string address:string active_connections:integer"},
    {"backend_connections", "pool:string id:string active_connections:integer open_connections:integer queued:integer"},
    {"open_connections",
     "active_connections:integer listeners:[]@listener_connections backends:[]@backend_connections"},
};

struct Answer {
  std::string_view call;
  std::string_view shape;  // empty: any object
};

constexpr Answer kAnswers[] = {
    {"GET /backends", "backends"},
    {"POST /backends", "backend_state"},
    {"GET /backends/{id}", "backend_or_set_aside"},
    {"PATCH /backends/{id}", "backend_state"},
    {"DELETE /backends/{id}", "removed_backend"},
    {"GET /backends/{id}/health", "backend_health"},
    {"POST /backends/{id}/drain", "backend_state"},
    {"POST /backends/{id}/enable", "backend_state"},
    {"POST /backends/{id}/disable", "backend_state"},
    {"POST /backends/{id}/eject", "backend_state"},
    {"POST /backends/{id}/readmit", "backend_state"},
    {"PUT /config/algorithm", "algorithm_result"},
    {"GET /pools", "pools"},
    {"POST /pools", "pool"},
    {"GET /pools/{name}", "pool_or_set_aside"},
    {"PUT /pools/{name}", "pool"},
    {"DELETE /pools/{name}", "removed_pool"},
    {"GET /listeners", "listeners"},
    {"POST /listeners", "listener"},
    {"GET /listeners/{name}", "listener_or_set_aside"},
    {"PUT /listeners/{name}", "listener"},
    {"DELETE /listeners/{name}", "removed"},
    {"GET /routing-rules", "routing_rules"},
    {"POST /routing-rules", "routing_rule"},
    {"GET /routing-rules/{id}", "rule_or_set_aside"},
    {"PUT /routing-rules/{id}", "routing_rule"},
    {"DELETE /routing-rules/{id}", "removed"},
    {"GET /certificates", "certificates"},
    {"GET /certificates/{name}", "certificate_or_set_aside"},
    {"PUT /certificates/{name}", "certificate_or_set_aside"},
    {"DELETE /certificates/{name}", "removed"},
    {"GET /health", "health"},
    {"GET /health/live", "status"},
    {"GET /health/ready", "status"},
    {"GET /config", "effective_config"},
    {"POST /config/reload", "reloaded"},
    {"GET /connections", "open_connections"},
    {"GET /openapi.json", ""},
};

Node map_of(std::initializer_list<std::pair<std::string_view, Node>> members) {
  Node map = Node::of_map();
  for (const auto& [key, value] : members) map.set(key, value);
  return map;
}

Node text(std::string_view value) { return Node::of_text(value); }
Node typed(std::string_view type) { return map_of({{"type", text(type)}}); }
Node reference(std::string_view name) { return map_of({{"$ref", text(fmt::format("#/components/schemas/{}", name))}}); }

std::string_view take_word(std::string_view& rest, char separator) {
  std::size_t end = std::min(rest.find(separator), rest.size());
  std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

Node type_of(std::string_view type) {
  if (type.ends_with('?')) {
    Node list = Node::of_list();
    list.items = {type_of(type.substr(0, type.size() - 1)), typed("null")};
    return map_of({{"anyOf", std::move(list)}});
  }
  if (type.starts_with("[]")) return map_of({{"type", text("array")}, {"items", type_of(type.substr(2))}});
  if (type.starts_with('@')) return reference(type.substr(1));
  if (type == "$states") return type_of(kStates);
  if (type == "$ejection_reasons") return type_of(kEjectionReasons);
  if (type == "time") return map_of({{"type", text("string")}, {"format", text("date-time")}});
  if (type == "any") return Node::of_map();
  if (!type.contains('|')) return typed(type);
  Node values = Node::of_list();
  while (!type.empty()) values.items.push_back(text(take_word(type, '|')));
  return map_of({{"type", text("string")}, {"enum", std::move(values)}});
}

// A shape whose members have no names is any of them.
Node schema_of(const Shape& shape) {
  Node properties = Node::of_map(), required = Node::of_list(), any = Node::of_list();
  std::string_view rest = shape.members;
  while (!rest.empty()) {
    std::string_view member = take_word(rest, ' ');
    if (member.starts_with('@')) {
      any.items.push_back(type_of(member));
      continue;
    }
    std::string_view name = take_word(member, ':');
    bool is_optional = member.ends_with('*');
    if (is_optional) member.remove_suffix(1);
    properties.set(name, type_of(member));
    if (!is_optional) required.items.push_back(text(name));
  }
  if (!any.items.empty()) return map_of({{"anyOf", std::move(any)}});
  Node schema = map_of({{"type", text("object")}, {"properties", std::move(properties)}});
  if (!required.items.empty()) schema.set("required", std::move(required));
  return schema;
}

// The media type of the answer and its schema.
std::pair<std::string_view, Node> content_of(const Call& call) {
  if (call.path == "/") return {"text/html", typed("string")};
  if (call.path == "/metrics") return {"text/plain", typed("string")};
  if (call.path == "/events") return {"text/event-stream", typed("string")};
  std::string name = fmt::format("{} {}", call.method, call.path);
  const Answer* found = std::ranges::find(kAnswers, std::string_view(name), &Answer::call);
  bool is_typed = found != std::end(kAnswers) && !found->shape.empty();
  return {"application/json", is_typed ? reference(found->shape) : typed("object")};
}

// The statuses with which a call may refuse, in order.
std::vector<int> refusals_of(const Call& call) {
  bool is_change = call.is_change(), names_object = call.path.contains('{');
  bool for_all = call.permission == Permission::anyone;
  std::vector<int> statuses{400, 406};
  if (!for_all) statuses.insert(statuses.end(), {401, 403, 421});
  if (names_object || call.parameters.contains("pool")) statuses.push_back(404);
  if (is_change || call.path.starts_with("/backends/")) statuses.push_back(409);
  if (is_change) statuses.insert(statuses.end(), {412, 413, 415, 503, 507});
  if (call.path == "/events") statuses.push_back(503);
  std::ranges::sort(statuses);
  return statuses;
}

}  // namespace

Node answers_of(const Call& call) {
  auto [type, schema] = content_of(call);
  auto answer = [&](int status) {
    Node content = map_of({{type, map_of({{"schema", schema}})}});
    return map_of({{"description", text(status_phrase(status))}, {"content", std::move(content)}});
  };
  Node problem = map_of({{"$ref", text("#/components/responses/problem")}});
  Node answers = map_of({{fmt::to_string(call.success), answer(call.success)}});
  bool may_create = call.method == "PUT" && call.path.contains('{');
  if (may_create) answers.set("201", answer(201));
  // Some workers are late to use the change.
  if (call.is_change()) answers.set("202", answer(202));
  if (call.method == "GET" && call.path != "/events") {
    answers.set("304", map_of({{"description", text("If-None-Match names what there is")}}));
  }
  // The answer itself says why.
  bool is_health = call.path == "/health" || call.path == "/health/ready";
  if (is_health) answers.set("503", answer(503));
  for (int status : refusals_of(call)) answers.set(fmt::to_string(status), problem);
  answers.set("default", std::move(problem));
  return answers;
}

Node answer_schemas(config::SchemaBuilder& builder) {
  builder.reference(config::resource<config::Pool>());
  builder.reference(config::resource<config::Listener>());
  Node overrides = Node::of_map();
  overrides.set("type", text("object"));
  Node set_aside = type_of("[]@object_set_aside");
  builder.reference(config::resource<config::Config>(),
                    {.name = "effective_config",
                     .more = map_of({{"overrides", std::move(overrides)}, {"set_aside", std::move(set_aside)}})});
  Node schemas = Node::of_map();
  for (const Shape& shape : kShapes) schemas.set(shape.name, schema_of(shape));
  return schemas;
}

}  // namespace weir::api
