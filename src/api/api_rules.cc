// /routing-rules and /routing-rules/{id}.
#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "api/api_state.h"
#include "api/backend_view.h"
#include "api/http_text.h"
#include "base/hash.h"
#include "base/text.h"
#include "config/document.h"
#include "config/json.h"
#include "config/read.h"
#include "control/object_json.h"

namespace weir::api {
namespace {

// The rule with the short ids of its backends, where those are enough.
Json to_json(const Visit& visit, const control::Rule& rule) {
  std::map<std::string_view, int> uses;
  for_each_backend(visit.catalog(), visit.state.parts.publisher,
                   [&](const BackendView& view) { ++uses[view.definition->id]; });
  Json backends = Json::array();
  for (const std::string& text : rule.backends) {
    std::optional<control::BackendKey> key = control::BackendKey::parse(text);
    bool short_form = key && uses[key->id] == 1 && find_backend(visit, key->id, key->pool);
    backends.push_back(short_form ? key->id : text);
  }
  Json json{
      {"rule_id", rule.id}, {"path_prefix", rule.path_prefix}, {"host", nullptr}, {"algorithm", rule.algorithm.name}};
  if (!rule.host.empty()) json["host"] = rule.host;
  json["backends"] = std::move(backends);
  json["session_sticky"] = rule.session_sticky;
  return json;
}

ApiResponse rule_response(const Visit& visit, const control::Rule& rule, int status = 200) {
  return with_etag(json_response(to_json(visit, rule), status), etag_of(control::write_object(rule)));
}

std::expected<std::shared_ptr<const control::Rule>, Problem> rule_of_path(const Visit& visit) {
  auto found = visit.objects().rules.find(visit.arguments[0]);
  if (found == visit.objects().rules.end())
    return not_found(fmt::format("there is no routing rule '{}'", visit.arguments[0]));
  return found->second;
}

// The configuration's own reader judges path and host: they are those of a route.
void check_match(const Visit& visit, const control::Rule& rule, config::Faults& faults) {
  Json match{{"path_prefix", rule.path_prefix}};
  if (!rule.host.empty()) match["host"] = rule.host;
  Json route{{"match", std::move(match)}, {"pool", "any"}};
  auto read = config::read_route(route.dump(-1, ' ', false, Json::error_handler_t::replace), visit.kinds());
  if (read) return;
  for (config::Fault& fault : read.error()) {
    constexpr std::string_view kMatch = "match.";
    if (fault.path.starts_with(kMatch)) fault.path.erase(0, kMatch.size());
    faults.push_back(std::move(fault));
  }
}

// 409 when another rule takes the same requests: which of the two did would be chance.
std::expected<void, Problem> check_equal(const Visit& visit, const control::Rule& rule) {
  for (const auto& [id, other] : visit.objects().rules) {
    bool is_equal = other->path_prefix == rule.path_prefix && base::equal_ignoring_case(other->host, rule.host);
    if (id == rule.id || !is_equal) continue;
    return conflict(fmt::format("the routing rule '{}' takes the same host and path; change or remove that", id),
                    "path_prefix");
  }
  return {};
}

// Turns the ids of the body into "pool/id". A backend that `present` has, the rule as it is, may be gone.
void resolve_backends(const Visit& visit, control::Rule& rule, const control::Rule* present, config::Faults& faults) {
  if (rule.backends.empty()) {
    faults.push_back({{"api", 0, 0}, "backends", "must name at least one backend"});
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < rule.backends.size(); ++i) {
    std::string field = fmt::format("backends[{}]", i);
    std::expected<BackendView, Problem> view = find_backend(visit, rule.backends[i], {});
    bool is_kept =
        present != nullptr && std::ranges::find(present->backends, rule.backends[i]) != present->backends.end();
    if (!view && !is_kept) {
      faults.push_back({{"api", 0, 0}, std::move(field), view.error().detail});
      continue;
    }
    if (view) rule.backends[i] = view->key().text();
    if (!seen.insert(rule.backends[i]).second) {
      faults.push_back({{"api", 0, 0}, std::move(field), fmt::format("names {} a second time", rule.backends[i])});
    }
  }
}

// The rule that the body describes; `id` is that of the path, or empty; `present` the one it replaces, or null.
std::expected<control::Rule, Problem> read_rule(const Visit& visit, const std::string& id,
                                                const control::Rule* present) {
  config::Document body = config::parse_json(visit.request.body, "api");
  // As GET shows a rule for any host.
  std::erase_if(body.root.members, [](const config::Member& member) {
    return member.key == "host" && member.value.kind == config::Node::Kind::null;
  });
  bool is_read = body.complete && body.faults.empty();
  auto rule = control::read_object<control::Rule>(is_read ? config::print_json(body.root, false) : visit.request.body,
                                                  visit.kinds());
  if (!rule) return bad_body(std::move(rule.error()), visit.request.body);
  if (!id.empty() && !rule->id.empty() && rule->id != id) {
    return bad_field("rule_id", fmt::format("must be '{}', as in the path", id));
  }
  if (!id.empty()) rule->id = id;
  if (rule->id.empty()) rule->id = fmt::format("rule-{:016x}", base::HashKey::random().first);
  if (auto other = check_equal(visit, *rule); !other) return std::unexpected(std::move(other.error()));
  config::Faults faults;
  check_match(visit, *rule, faults);
  resolve_backends(visit, *rule, present, faults);
  if (!faults.empty()) return bad_body(std::move(faults));
  return std::move(*rule);
}

net::Task<ApiResult> store(Visit& visit, control::Rule rule, int status) {
  control::Objects next = visit.objects();
  next.rules[rule.id] = std::make_shared<const control::Rule>(rule);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  ApiResponse response = rule_response(visit, rule, status);
  if (status == 201) response.headers.emplace_back("Location", "/routing-rules/" + percent_encoded(rule.id));
  co_return response;
}

}  // namespace

ApiResult list_rules(const Visit& visit) {
  Json all = Json::array();
  for (const auto& [id, rule] : visit.objects().rules) all.push_back(to_json(visit, *rule));
  for (Json& other : set_aside_json(visit, control::kRuleKind)) all.push_back(std::move(other));
  return json_response({{"routing_rules", std::move(all)}});
}

ApiResult get_rule(const Visit& visit) {
  auto rule = rule_of_path(visit);
  if (rule) return rule_response(visit, **rule);
  Json aside = set_aside_json(visit, control::kRuleKind, visit.arguments[0]);
  if (!aside.is_null()) return json_response(aside);
  return std::unexpected(std::move(rule.error()));
}

net::Task<ApiResult> create_rule(Visit& visit) {
  std::expected<control::Rule, Problem> rule = read_rule(visit, {}, nullptr);
  if (!rule) co_return std::unexpected(std::move(rule.error()));
  if (visit.objects().rules.contains(rule->id)) {
    co_return conflict(fmt::format("there is a routing rule '{}' already", rule->id), "rule_id");
  }
  if (find_pool(visit.config(), rule->id) != nullptr) {
    co_return conflict(fmt::format("there is a pool '{}', and a rule has a pool of its own name", rule->id), "rule_id");
  }
  co_return co_await store(visit, std::move(*rule), 201);
}

// Creates or replaces.
net::Task<ApiResult> put_rule(Visit& visit) {
  const std::string& id = visit.arguments[0];
  auto present = visit.objects().rules.find(id);
  bool is_new = present == visit.objects().rules.end();
  if (auto same = visit.check_if_match(is_new ? "" : etag_of(control::write_object(*present->second))); !same) {
    co_return std::unexpected(std::move(same.error()));
  }
  if (is_new) {
    if (find_pool(visit.config(), id) != nullptr) {
      co_return conflict(fmt::format("there is a pool '{}', and a rule has a pool of its own name", id), "rule_id");
    }
  }
  std::expected<control::Rule, Problem> rule = read_rule(visit, id, is_new ? nullptr : present->second.get());
  if (!rule) co_return std::unexpected(std::move(rule.error()));
  co_return co_await store(visit, std::move(*rule), is_new ? 201 : 200);
}

net::Task<ApiResult> delete_rule(Visit& visit) {
  std::optional<ApiResult> forgotten = co_await visit.forget(control::kRuleKind, visit.arguments[0]);
  if (forgotten) co_return std::move(*forgotten);
  auto rule = rule_of_path(visit);
  if (!rule) co_return std::unexpected(std::move(rule.error()));
  if (auto same = visit.check_if_match(etag_of(control::write_object(**rule))); !same)
    co_return std::unexpected(std::move(same.error()));
  control::Objects next = visit.objects();
  next.rules.erase((*rule)->id);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return json_response({{"rule_id", (*rule)->id}, {"status", "deleted"}});
}

}  // namespace weir::api
