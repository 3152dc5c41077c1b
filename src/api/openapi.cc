#include "api/openapi.h"

#include <fmt/format.h>

#include "api/api_state.h"
#include "api/openapi_answers.h"
#include "base/text.h"
#include "config/document.h"
#include "config/schema_builder.h"

namespace weir::api {
namespace {

using config::Node;

Node map_of(std::initializer_list<std::pair<std::string_view, Node>> members) {
  Node map = Node::of_map();
  for (const auto& [key, value] : members) map.set(key, value);
  return map;
}

Node text(std::string_view value) { return Node::of_text(value); }
Node content(std::string_view type, Node schema) { return map_of({{type, map_of({{"schema", std::move(schema)}})}}); }
Node string_schema() { return map_of({{"type", text("string")}}); }

Node parameter(std::string_view name, std::string_view in, Node schema, std::string_view description) {
  Node node = map_of({{"name", text(name)}, {"in", text(in)}, {"schema", std::move(schema)}});
  if (in == "path") node.set("required", Node::of_literal("true"));
  if (!description.empty()) node.set("description", text(description));
  return node;
}

std::string_view describe_query(std::string_view name) {
  if (name == "pool") return "the pool of the backend, where its id is in several";
  if (name == "drain_timeout") return "how long work in progress may go on, such as 30s";
  if (name == "status") return "only backends in this state";
  return {};
}

Node parameters(const Call& call) {
  Node list = Node::of_list();
  for (auto open = call.path.find('{'); open != std::string_view::npos; open = call.path.find('{', open + 1)) {
    auto close = call.path.find('}', open);
    list.items.push_back(parameter(call.path.substr(open + 1, close - open - 1), "path", string_schema(), {}));
  }
  std::string_view names = call.parameters;
  while (!names.empty()) {
    auto end = std::min(names.find(' '), names.size());
    std::string_view name = names.substr(0, end);
    list.items.push_back(parameter(name, "query", string_schema(), describe_query(name)));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  if (call.path == "/events") {
    list.items.push_back(parameter("Last-Event-ID", "header", string_schema(), "go on after the event with this id"));
  }
  if (call.is_change()) {
    Node flag = map_of({{"type", text("boolean")}, {"default", Node::of_literal("false")}});
    if (call.has_dry_run) {
      list.items.push_back(
          parameter("dry_run", "query", std::move(flag), "check and answer as if, but change nothing"));
    }
    if (call.method != "POST" || call.path.find('{') != std::string_view::npos) {
      list.items.push_back(parameter("If-Match", "header", string_schema(), "only if the object has this ETag"));
      list.items.push_back(parameter("If-None-Match", "header", string_schema(), "*: only if there is no such object"));
    }
  }
  return list;
}

// The body of a call: its resource, members beside that, and without members that the path has already.
Node body_schema(const Call& call, config::SchemaBuilder& builder) {
  const config::Resource& resource = call.body();
  if (call.path == "/backends") {
    Node pool = string_schema();
    pool.set("description", text("the pool it belongs to"));
    pool.set("default", text("default"));
    return builder.reference(resource, {.name = "new_backend", .more = map_of({{"pool", std::move(pool)}})});
  }
  if (call.path == "/backends/{id}") {
    Node values = Node::of_list();
    values.items = {text("healthy"), text("unhealthy"), Node()};
    Node health = map_of({{"enum", std::move(values)}, {"description", text("in place of what the probes say")}});
    return builder.reference(resource,
                             {.name = "changed_backend", .more = map_of({{"health_override", std::move(health)}})});
  }
  if (call.path.starts_with("/routing-rules")) {
    Node types = Node::of_list();
    types.items = {text("string"), text("null")};
    Node host = map_of({{"type", std::move(types)}, {"description", text("the host it takes, or null: any")}});
    return builder.reference(resource, {.name = "rule", .more = map_of({{"host", std::move(host)}})});
  }
  if (call.path.ends_with("/{name}")) {
    std::string name = fmt::format("named_{}", resource.name);
    return builder.reference(resource, {.name = name, .optional = "name"});
  }
  return builder.reference(resource);
}

std::string operation_id(const Call& call) {
  std::string id = base::to_lower(call.method);
  for (char c : call.path) {
    if (c == '{' || c == '}') continue;
    id += c == '/' || c == '-' || c == '.' ? '_' : c;
  }
  return id;
}

Node operation(const Call& call, config::SchemaBuilder& builder) {
  Node node = map_of({{"operationId", text(operation_id(call))}, {"summary", text(call.summary)}});
  if (Node list = parameters(call); !list.items.empty()) node.set("parameters", std::move(list));
  if (call.body != nullptr) {
    node.set("requestBody", map_of({{"required", Node::of_literal("true")},
                                    {"content", content("application/json", body_schema(call, builder))}}));
  }
  node.set("responses", answers_of(call));
  if (call.permission == Permission::anyone) node.set("security", Node::of_list());
  return node;
}

Node problem_response() {
  Node number = map_of({{"type", text("integer")}});
  Node place = map_of({{"file", string_schema()}, {"line", number}, {"column", number}});
  Node of_field = place;
  of_field.set("field", string_schema());
  of_field.set("message", string_schema());
  Node field = map_of({{"type", text("object")}, {"properties", std::move(of_field)}});
  Node errors = map_of({{"type", text("array")}, {"items", std::move(field)}});
  Node properties = map_of({{"type", string_schema()},
                            {"title", string_schema()},
                            {"status", std::move(number)},
                            {"detail", string_schema()},
                            {"field", string_schema()},
                            {"errors", std::move(errors)},
                            {"origin", map_of({{"type", text("object")}, {"properties", std::move(place)}})}});
  Node required = Node::of_list();
  required.items = {text("type"), text("title"), text("status"), text("detail")};
  Node schema =
      map_of({{"type", text("object")}, {"properties", std::move(properties)}, {"required", std::move(required)}});
  return map_of({{"description", text("what went wrong (RFC 9457)")},
                 {"content", content("application/problem+json", std::move(schema))}});
}

// The builder refers to definitions as a JSON Schema of its own has them.
std::string with_references(std::string text) {
  constexpr std::string_view kFrom = "\"#/$defs/", kTo = "\"#/components/schemas/";
  for (auto at = text.find(kFrom); at != std::string::npos; at = text.find(kFrom, at)) {
    text.replace(at, kFrom.size(), kTo);
  }
  return text;
}

}  // namespace

std::string openapi(const config::Kinds& kinds, std::string_view version) {
  config::SchemaBuilder builder(kinds, true);
  Node paths = Node::of_map();
  for (const Call& call : calls()) {
    auto path = std::ranges::find(paths.members, call.path, &config::Member::key);
    if (path == paths.members.end()) {
      paths.set(call.path, Node::of_map());
      path = paths.members.end() - 1;
    }
    path->value.set(base::to_lower(call.method), operation(call, builder));
  }
  Node bearer = map_of({{"type", text("http")}, {"scheme", text("bearer")}});
  Node security = Node::of_list();
  security.items = {map_of({{"bearer", Node::of_list()}}), Node::of_map()};
  Node answers = answer_schemas(builder);
  Node schemas = builder.take_definitions();
  for (config::Member& shape : answers.members) schemas.set(shape.key, std::move(shape.value));
  Node components = map_of({{"schemas", std::move(schemas)},
                            {"responses", map_of({{"problem", problem_response()}})},
                            {"securitySchemes", map_of({{"bearer", std::move(bearer)}})}});
  Node root = map_of({{"openapi", text("3.1.0")},
                      {"info", map_of({{"title", text("Weir admin API")}, {"version", text(version)}})},
                      {"paths", std::move(paths)},
                      {"components", std::move(components)},
                      {"security", std::move(security)}});
  return with_references(config::print_json(root, true)) + "\n";
}

}  // namespace weir::api
