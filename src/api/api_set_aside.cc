// Stored objects that are not in effect, as the calls of their kinds show and remove them.
#include "api/api_state.h"

namespace weir::api {
namespace {

Json to_json(const control::ObjectName& name, const control::SetAside& object) {
  Json json = Json::object();
  std::optional<control::BackendKey> key =
      name.kind == control::kBackendKind ? control::BackendKey::parse(name.name) : std::nullopt;
  if (key) {
    json["id"] = key->id;
    json["pool"] = key->pool;
  } else {
    json[name.kind == control::kRuleKind ? "rule_id" : "name"] = name.name;
  }
  json["status"] = "set_aside";
  json["reason"] = object.reason;
  json["origin"] = {{"file", "api"}};
  return json;
}

}  // namespace

std::string json_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json set_aside_json(const Visit& visit, std::string_view kind) {
  Json all = Json::array();
  for (const auto& [name, object] : visit.catalog().set_aside()) {
    if (name.kind == kind) all.push_back(to_json(name, object));
  }
  return all;
}

Json set_aside_json(const Visit& visit, std::string_view kind, const std::string& name) {
  auto found = visit.catalog().set_aside().find({std::string(kind), name});
  return found == visit.catalog().set_aside().end() ? Json() : to_json(found->first, found->second);
}

Json all_set_aside_json(const Visit& visit) {
  Json all = Json::array();
  for (const auto& [name, object] : visit.catalog().set_aside()) {
    all.push_back({{"object", name.kind}, {"id", name.name}, {"status", "set_aside"}, {"reason", object.reason}});
  }
  return all;
}

net::Task<std::optional<ApiResult>> Visit::forget(std::string_view kind, std::string name) {
  Json gone = set_aside_json(*this, kind, name);
  if (gone.is_null()) co_return std::nullopt;
  bool is_backend = kind == control::kBackendKind;
  control::Objects next = objects();
  std::optional<control::BackendKey> key = control::BackendKey::parse(name);
  if (key && is_backend) next.overrides.erase(*key);
  std::vector<control::ObjectName> objects_to_forget{{std::string(kind), name}};
  std::expected<void, Problem> done = co_await apply(std::move(next), {}, std::move(objects_to_forget));
  if (!done) co_return ApiResult(std::unexpected(std::move(done.error())));
  gone["status"] = is_backend ? "deregistered" : "deleted";
  gone.erase("reason");
  gone.erase("origin");
  if (is_backend) gone["drained_connections"] = 0;
  co_return ApiResult(json_response(gone));
}

std::string set_aside_backend(const Visit& visit, const std::string& id) {
  std::optional<control::BackendKey> wanted = control::BackendKey::parse(id);
  std::string pool = wanted ? wanted->pool : std::string(visit.parameter("pool"));
  for (const auto& [name, object] : visit.catalog().set_aside()) {
    std::optional<control::BackendKey> key =
        name.kind == control::kBackendKind ? control::BackendKey::parse(name.name) : std::nullopt;
    if (key && key->id == (wanted ? wanted->id : id) && (pool.empty() || pool == key->pool)) return name.name;
  }
  return {};
}

}  // namespace weir::api
