// /backends and /backends/{id}.
#include <algorithm>
#include <array>
#include <atomic>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ranges>

#include "api/api_state.h"
#include "api/backend_view.h"
#include "api/http_text.h"
#include "base/text.h"
#include "config/document.h"
#include "config/json.h"
#include "config/read.h"
#include "config/warnings.h"

namespace weir::api {
namespace {

const std::string kDefaultPool = "default";

template <typename T>
std::shared_ptr<const T> share(T object) {
  return std::make_shared<const T>(std::move(object));
}

// 409 when another backend of the pool has the id or the address. `except` is the one that is being changed, or null.
std::expected<void, Problem> check_clash(const config::Pool& pool, const config::Backend& wanted,
                                         const config::Backend* except) {
  for (const config::Backend& other : pool.backends) {
    if (&other == except) continue;
    bool same_address = other.port == wanted.port && base::equal_ignoring_case(other.host, wanted.host);
    if (same_address) {
      return conflict(
          fmt::format("the pool '{}' has {}:{} already, as '{}'", pool.name, other.host, other.port, other.id),
          "address");
    }
    if (other.id == wanted.id)
      return conflict(fmt::format("the pool '{}' has the id '{}' already", pool.name, other.id), "id");
  }
  return {};
}

// The backend that a dry run shows: one that does not run.
BackendView preview(const config::Pool& pool, const config::Backend& backend) {
  auto running = std::make_shared<pool::Backend>(pool.name, backend.id, backend.host, backend.port);
  if (!backend.enabled) running->state.store(pool::BackendState::disabled, std::memory_order_relaxed);
  return {&pool, &backend, std::move(running), {}};
}

// The new backend as an answer, with a warning where no traffic can reach it. Routing rules that name backends of the
// pool may still bring some.
ApiResponse created(const Visit& visit, const BackendView& view) {
  Json json = to_json(visit, view);
  std::string why = config::unused_warning(visit.config(), view.pool->name);
  auto names_it = [key = view.key()](const auto& rule) {
    return std::ranges::find(rule.second, key) != rule.second.end();
  };
  bool is_of_rule = std::ranges::any_of(visit.catalog().effective().borrowed, names_it);
  if (!why.empty() && !is_of_rule)
    json["warnings"] = Json::array({why + ": the backend gets no traffic until one does"});
  return with_etag(json_response(json, 201), view.etag());
}

}  // namespace

std::expected<config::Pool, Problem> make_default_pool(const Visit& visit) {
  auto pool = config::read_pool(R"({"name": "default", "health_check": {"path": "/health"}})", visit.kinds());
  if (!pool) return bad_body(std::move(pool.error()));
  return std::move(*pool);
}

ApiResult list_backends(const Visit& visit) {
  std::string_view pool = visit.parameter("pool"), status = visit.parameter("status");
  if (!pool.empty() && find_pool(visit.config(), pool) == nullptr) {
    return not_found(fmt::format("there is no pool '{}'", pool));
  }
  using enum pool::BackendState;
  constexpr std::array kStates{unknown, healthy, unhealthy, draining, disabled, not_ready};
  bool wants_set_aside = status == "set_aside";
  if (visit.query.contains("status") && !wants_set_aside &&
      std::ranges::find(kStates, status, pool::name) == kStates.end()) {
    return bad_field("status", fmt::format("must be one of {}, set_aside",
                                           fmt::join(kStates | std::views::transform(pool::name), ", ")));
  }
  Json all = Json::array();
  for_each_backend(visit.catalog(), visit.state.parts.publisher, [&](const BackendView& view) {
    if (!pool.empty() && view.pool->name != pool) return;
    if (!status.empty() && status != pool::name(view.running->state.load(std::memory_order_relaxed))) return;
    all.push_back(to_json(visit, view));
  });
  for (Json& other : set_aside_json(visit, control::kBackendKind)) {
    if ((status.empty() || wants_set_aside) && (pool.empty() || other["pool"] == pool)) all.push_back(std::move(other));
  }
  return json_response({{"backends", std::move(all)}});
}

net::Task<ApiResult> create_backend(Visit& visit) {
  auto body = config::read_backend(visit.request.body, visit.kinds());
  if (!body) co_return bad_body(std::move(body.error()), visit.request.body);
  control::Objects next = visit.objects();
  config::Pool made;
  const config::Pool* pool = find_pool(visit.config(), body->pool);
  if (pool == nullptr && body->pool == kDefaultPool) {
    std::expected<config::Pool, Problem> default_pool = make_default_pool(visit);
    if (!default_pool) co_return std::unexpected(std::move(default_pool.error()));
    made = std::move(*default_pool);
    pool = &made;
    next.pools[made.name] = share(made);
  }
  if (pool == nullptr) co_return bad_field("pool", fmt::format("there is no pool '{}'", body->pool));
  if (visit.catalog().effective().borrowed.contains(pool->name)) {
    co_return conflict(fmt::format("'{}' is the pool of a routing rule; it takes backends of other pools", pool->name),
                       "pool");
  }
  if (auto clash = check_clash(*pool, body->backend, nullptr); !clash)
    co_return std::unexpected(std::move(clash.error()));

  control::BackendKey key{pool->name, body->backend.id};
  next.backends[key] = share(body->backend);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  if (visit.dry_run) co_return created(visit, preview(*pool, body->backend));
  std::expected<BackendView, Problem> view = find_backend(visit, key.id, key.pool);
  if (!view) co_return std::unexpected(std::move(view.error()));
  ApiResponse response = created(visit, *view);
  response.headers.emplace_back(
      "Location", fmt::format("/backends/{}?pool={}", percent_encoded(key.id), percent_encoded(key.pool)));
  co_return response;
}

ApiResult get_backend(const Visit& visit) {
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  std::string aside = view ? std::string() : set_aside_backend(visit, visit.arguments[0]);
  if (!aside.empty()) return json_response(set_aside_json(visit, control::kBackendKind, aside));
  return answer(visit, view);
}

namespace {

// The changes of a PATCH: the operator's part always, the definition only of a backend that the API made.
struct Patched {
  config::Backend definition;
  control::Override by_operator;
};

// Takes "health_override" out of the patch.
std::expected<void, Problem> take_health_override(config::Node& patch, control::Override& by_operator) {
  auto member = std::ranges::find(patch.members, "health_override", &config::Member::key);
  if (member == patch.members.end()) return {};
  const config::Node& value = member->value;
  bool is_text = value.kind == config::Node::Kind::text;
  if (value.kind == config::Node::Kind::null) {
    by_operator.healthy.reset();
  } else if (is_text && (value.scalar == "healthy" || value.scalar == "unhealthy")) {
    by_operator.healthy = value.scalar == "healthy";
  } else {
    return bad_field("health_override", "must be \"healthy\", \"unhealthy\" or null");
  }
  patch.members.erase(member);
  return {};
}

// Takes a member that is null out of the patch. False: there is none.
bool take_null(config::Node& patch, std::string_view key) {
  return std::erase_if(patch.members, [&](const config::Member& member) {
           return member.key == key && member.value.kind == config::Node::Kind::null;
         }) > 0;
}

// The operational part of a change to a backend of the file: its weight, and whether it is enabled.
std::expected<Patched, Problem> patch_operational(const BackendView& view, Patched patched) {
  config::Backend as_written = *view.definition;
  as_written.weight = patched.definition.weight;
  as_written.enabled = patched.definition.enabled;
  if (!(as_written == patched.definition)) {
    return of_file(fmt::format("the backend '{}'", view.definition->id), view.definition->origin);
  }
  patched.by_operator.weight.reset();
  if (patched.definition.weight != view.definition->weight) patched.by_operator.weight = patched.definition.weight;
  patched.definition = *view.definition;
  return patched;
}

std::expected<Patched, Problem> read_patch(const Visit& visit, const BackendView& view) {
  config::Document document = config::parse_json(visit.request.body, "api");
  if (!document.faults.empty()) return bad_body(std::move(document.faults));
  if (document.root.kind != config::Node::Kind::map) return bad_field("", "the body must be an object");
  Patched patched{*view.definition, view.by_operator};
  if (auto taken = take_health_override(document.root, patched.by_operator); !taken) {
    return std::unexpected(std::move(taken.error()));
  }
  // For a backend of the file, null gives the operator's part back to the file.
  bool ends_weight = !view.from_api() && take_null(document.root, "weight");
  bool ends_enabled = !view.from_api() && take_null(document.root, "enabled");
  bool sets_enabled = document.root.find("enabled") != nullptr;
  // Weight and enabled may be an operator's already: what the client sees is what it changes.
  config::Backend seen = *view.definition;
  if (!ends_weight) seen.weight = view.by_operator.weight.value_or(seen.weight);
  auto changed = config::patch_backend(seen, config::print_json(document.root, false), visit.kinds());
  if (!changed) return bad_body(std::move(changed.error()), visit.request.body);
  if (changed->id != view.definition->id) return bad_field("id", "cannot be changed; make another backend");
  patched.definition = std::move(*changed);
  if (sets_enabled || ends_enabled) {
    using enum control::Override::Operation;
    patched.by_operator.operation = none;
    bool other = !view.from_api() && patched.definition.enabled != view.definition->enabled;
    if (other)
      patched.by_operator.operation = patched.definition.enabled ? control::Override::Operation::enabled : disabled;
  }
  if (!view.from_api()) return patch_operational(view, std::move(patched));
  patched.by_operator.weight.reset();
  return patched;
}

}  // namespace

namespace {

// A PATCH and what it is about.
struct Patch {
  BackendView view;
  Patched patched;
  bool changes_definition = false;
};

std::expected<Patch, Problem> plan_patch(const Visit& visit) {
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  if (!view) return std::unexpected(std::move(view.error()));
  if (auto same = visit.check_if_match(view->etag()); !same) return std::unexpected(std::move(same.error()));
  std::expected<Patched, Problem> patched = read_patch(visit, *view);
  if (!patched) return std::unexpected(std::move(patched.error()));
  if (auto clash = check_clash(*view->pool, patched->definition, view->definition); !clash) {
    return std::unexpected(std::move(clash.error()));
  }
  bool changes_definition = view->from_api() && !(patched->definition == *view->definition);
  return Patch{std::move(*view), std::move(*patched), changes_definition};
}

control::Objects with_patch(const Visit& visit, const Patch& patch) {
  control::BackendKey key = patch.view.key();
  control::Objects next = visit.objects();
  next.backends[key] = share(patch.patched.definition);
  next.overrides.erase(key);
  if (!patch.patched.by_operator.empty()) next.overrides[key] = patch.patched.by_operator;
  return next;
}

}  // namespace

// A change of the definition takes its turn; one of the operator's part applies at once.
net::Task<ApiResult> patch_backend(Visit& visit) {
  std::expected<Patch, Problem> patch = plan_patch(visit);
  if (patch && patch->changes_definition) {
    std::expected<void, Problem> begun = co_await visit.begin();
    if (!begun) co_return std::unexpected(std::move(begun.error()));
    patch = plan_patch(visit);
  }
  if (!patch) co_return std::unexpected(std::move(patch.error()));
  control::BackendKey key = patch->view.key();
  if (patch->changes_definition) {
    std::expected<void, Problem> done = co_await visit.apply(with_patch(visit, *patch));
    if (!done) co_return std::unexpected(std::move(done.error()));
  } else {
    visit.turn.reset();
    co_await visit.set_override(key, patch->patched.by_operator);
  }
  if (visit.dry_run) {
    const Patched& patched = patch->patched;
    co_return backend_response(visit,
                               {patch->view.pool, &patched.definition, patch->view.running, patched.by_operator});
  }
  co_return answer(visit, find_backend(visit, key.id, key.pool));
}

net::Task<ApiResult> delete_backend(Visit& visit) {
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  if (!view || !view->from_api()) {
    std::optional<ApiResult> forgotten =
        co_await visit.forget(control::kBackendKind, set_aside_backend(visit, visit.arguments[0]));
    if (forgotten) co_return std::move(*forgotten);
  }
  if (!view) co_return std::unexpected(std::move(view.error()));
  auto drain_timeout = visit.drain_timeout();
  if (!drain_timeout) co_return std::unexpected(std::move(drain_timeout.error()));
  if (auto same = visit.check_if_match(view->etag()); !same) co_return std::unexpected(std::move(same.error()));
  if (!view->from_api())
    co_return of_file(fmt::format("the backend '{}'", view->definition->id), view->definition->origin);
  control::BackendKey key = view->key();
  std::shared_ptr<pool::Backend> running = view->running;
  control::Objects next = visit.objects();
  next.backends.erase(key);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next), *drain_timeout);
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return json_response({{"id", key.id},
                           {"pool", key.pool},
                           {"status", "deregistered"},
                           {"drained_connections", running->in_flight.load(std::memory_order_relaxed)}});
}

}  // namespace weir::api
