// /pools, /pools/{name} and /config/algorithm.
#include <fmt/format.h>

#include "api/api_state.h"
#include "api/bodies.h"
#include "api/http_text.h"
#include "config/document.h"
#include "config/json.h"
#include "config/read.h"
#include "config/sticky.h"
#include "config/warnings.h"

namespace weir::api {
namespace {

std::string text_of(const config::Pool& pool) { return config::to_json(pool, {.origin = true}); }

ApiResponse pool_response(const Visit& visit, const config::Pool& pool, int status = 200) {
  std::string text = text_of(pool);
  std::string etag = etag_of(text);
  if (std::string why = config::weights_warning(pool, visit.kinds()["strategies"].entries); !why.empty()) {
    text.pop_back();
    text += fmt::format(",\"warnings\":[{}]}}", Json(why).dump());
  }
  return with_etag(json_text_response(std::move(text), status), std::move(etag));
}

std::expected<const config::Pool*, Problem> pool_of_path(const Visit& visit) {
  const config::Pool* pool = find_pool(visit.config(), visit.arguments[0]);
  if (pool == nullptr) return not_found(fmt::format("there is no pool '{}'", visit.arguments[0]));
  return pool;
}

// 409 for pools that are not the API's to change.
std::expected<void, Problem> check_owner(const Visit& visit, const config::Pool& pool) {
  if (visit.catalog().effective().borrowed.contains(pool.name)) {
    return conflict(fmt::format("'{0}' is the pool of the routing rule '{0}'; change that", pool.name), "pool");
  }
  if (!pool.origin.from_api()) return of_file(fmt::format("the pool '{}'", pool.name), pool.origin);
  return {};
}

// Puts the pool among the objects: its settings, and its backends when `with_backends`, in place of those it has there.
void put(control::Objects& objects, config::Pool pool, bool with_backends) {
  if (with_backends) {
    std::erase_if(objects.backends, [&](const auto& entry) { return entry.first.pool == pool.name; });
    for (config::Backend& backend : pool.backends) {
      control::BackendKey key{pool.name, backend.id};
      objects.backends[key] = std::make_shared<const config::Backend>(std::move(backend));
    }
  }
  pool.backends.clear();
  std::string name = pool.name;
  objects.pools[name] = std::make_shared<const config::Pool>(std::move(pool));
}

// The pool as it is now, or what it would be after a dry run.
ApiResult answer(const Visit& visit, const config::Pool& wanted, int status) {
  const config::Pool* now = visit.dry_run ? &wanted : find_pool(visit.config(), wanted.name);
  ApiResponse response = pool_response(visit, *now, status);
  if (status == 201) response.headers.emplace_back("Location", "/pools/" + percent_encoded(wanted.name));
  return response;
}

std::vector<std::string> users_of(const Visit& visit, const std::string& pool) {
  std::vector<std::string> users;
  for (const config::Listener& listener : visit.config().listeners) {
    if (listener.pool == pool) users.push_back(fmt::format("listener '{}'", listener.name));
    for (const config::Route& route : listener.routes) {
      if (route.pool == pool) users.push_back(fmt::format("route '{}' of listener '{}'", route.name, listener.name));
    }
  }
  return users;
}

}  // namespace

ApiResult list_pools(const Visit& visit) {
  std::string all = "{\"pools\":[";
  for (const config::Pool& pool : visit.config().pools) {
    if (all.back() != '[') all += ',';
    all += text_of(pool);
  }
  for (const Json& other : set_aside_json(visit, control::kPoolKind))
    all += (all.back() == '[' ? "" : ",") + json_text(other);
  return json_text_response(all + "]}");
}

ApiResult get_pool(const Visit& visit) {
  std::expected<const config::Pool*, Problem> pool = pool_of_path(visit);
  if (pool) return pool_response(visit, **pool);
  Json aside = set_aside_json(visit, control::kPoolKind, visit.arguments[0]);
  if (!aside.is_null()) return json_response(aside);
  return std::unexpected(std::move(pool.error()));
}

net::Task<ApiResult> create_pool(Visit& visit) {
  auto wanted = config::read_pool(visit.request.body, visit.kinds());
  if (!wanted) co_return bad_body(std::move(wanted.error()), visit.request.body);
  if (const config::Pool* present = find_pool(visit.config(), wanted->name)) {
    if (!present->origin.from_api()) co_return of_file(fmt::format("the pool '{}'", present->name), present->origin);
    co_return conflict(fmt::format("there is a pool '{}' already", present->name), "name");
  }
  control::Objects next = visit.objects();
  put(next, *wanted, true);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return answer(visit, *wanted, 201);
}

// Creates or replaces. Without "backends" the pool keeps those it has.
net::Task<ApiResult> put_pool(Visit& visit) {
  config::Document body = config::parse_json(visit.request.body, "api");
  if (!body.faults.empty()) co_return bad_body(std::move(body.faults));
  const std::string& name = visit.arguments[0];
  if (body.root.kind == config::Node::Kind::map && body.root.find("name") == nullptr) {
    body.root.set("name", config::Node::of_text(name));
  }
  auto wanted = config::read_pool(config::print_json(body.root, false), visit.kinds());
  if (!wanted) co_return bad_body(std::move(wanted.error()), visit.request.body);
  if (wanted->name != name) co_return bad_field("name", fmt::format("must be '{}', as in the path", name));
  const config::Pool* present = find_pool(visit.config(), name);
  if (auto same = visit.check_if_match(present != nullptr ? etag_of(text_of(*present)) : ""); !same) {
    co_return std::unexpected(std::move(same.error()));
  }
  if (present != nullptr) {
    if (auto owner = check_owner(visit, *present); !owner) co_return std::unexpected(std::move(owner.error()));
  }
  bool with_backends = body.root.find("backends") != nullptr;
  control::Objects next = visit.objects();
  put(next, *wanted, with_backends);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  if (!with_backends && present != nullptr && visit.dry_run) wanted->backends = present->backends;
  co_return answer(visit, *wanted, present == nullptr ? 201 : 200);
}

net::Task<ApiResult> delete_pool(Visit& visit) {
  std::optional<ApiResult> forgotten = co_await visit.forget(control::kPoolKind, visit.arguments[0]);
  if (forgotten) co_return std::move(*forgotten);
  std::expected<const config::Pool*, Problem> found = pool_of_path(visit);
  if (!found) co_return std::unexpected(std::move(found.error()));
  const config::Pool& pool = **found;
  auto drain_timeout = visit.drain_timeout();
  if (!drain_timeout) co_return std::unexpected(std::move(drain_timeout.error()));
  if (auto same = visit.check_if_match(etag_of(text_of(pool))); !same)
    co_return std::unexpected(std::move(same.error()));
  if (auto owner = check_owner(visit, pool); !owner) co_return std::unexpected(std::move(owner.error()));
  if (find_pool(visit.catalog().file(), pool.name) != nullptr) {
    co_return conflict(fmt::format(
        "the pool '{}' is there whenever Weir runs without a file; it can be changed, not deleted", pool.name));
  }
  if (auto unused = check_unused(fmt::format("the pool '{}'", pool.name), users_of(visit, pool.name)); !unused) {
    co_return std::unexpected(std::move(unused.error()));
  }
  std::string name = pool.name;
  std::size_t backends = pool.backends.size();
  control::Objects next = visit.objects();
  next.pools.erase(name);
  std::erase_if(next.backends, [&](const auto& entry) { return entry.first.pool == name; });
  std::vector<control::ObjectName> forget;
  for (const auto& [other, object] : visit.catalog().set_aside()) {
    std::optional<control::BackendKey> key =
        other.kind == control::kBackendKind ? control::BackendKey::parse(other.name) : std::nullopt;
    if (!key || key->pool != name) continue;
    next.overrides.erase(*key);
    forget.push_back(other);
  }
  std::expected<void, Problem> done = co_await visit.apply(std::move(next), *drain_timeout, std::move(forget));
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return json_response({{"name", name}, {"status", "deleted"}, {"backends", backends}});
}

net::Task<ApiResult> put_algorithm(Visit& visit) {
  auto body = control::read_object<AlgorithmBody>(visit.request.body, visit.kinds());
  if (!body) co_return bad_body(std::move(body.error()), visit.request.body);
  const config::Pool* present = find_pool(visit.config(), body->pool);
  config::Pool made;
  if (present == nullptr && body->pool == "default") {
    std::expected<config::Pool, Problem> default_pool = make_default_pool(visit);
    if (!default_pool) co_return std::unexpected(std::move(default_pool.error()));
    made = std::move(*default_pool);
    present = &made;
  }
  if (present == nullptr) co_return bad_field("pool", fmt::format("there is no pool '{}'", body->pool));
  if (auto same = visit.check_if_match(etag_of(text_of(*present))); !same)
    co_return std::unexpected(std::move(same.error()));
  if (auto owner = check_owner(visit, *present); !owner) co_return std::unexpected(std::move(owner.error()));
  config::Pool wanted = *present;
  std::string previous = wanted.algorithm.name;
  wanted.algorithm = body->algorithm;
  std::span<const config::KindEntry> methods = visit.kinds()["methods"].entries;
  if (!body->sticky_sessions) wanted.sticky = {};
  if (body->sticky_sessions && !wanted.sticky.is_on()) config::turn_on(wanted.sticky, methods);
  config::set_sticky_ttl(wanted.sticky, std::chrono::seconds(body->sticky_ttl_seconds), methods);
  std::string etag = etag_of(text_of(wanted));
  control::Objects next = visit.objects();
  std::string warning = config::weights_warning(wanted, visit.kinds()["strategies"].entries);
  put(next, std::move(wanted), false);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  Json json{{"pool", body->pool},
            {"algorithm", body->algorithm.name},
            {"previous_algorithm", previous},
            {"sticky_sessions", body->sticky_sessions},
            {"sticky_ttl_seconds", body->sticky_ttl_seconds}};
  if (!warning.empty()) json["warnings"] = Json::array({warning});
  co_return with_etag(json_response(json), std::move(etag));
}

}  // namespace weir::api
