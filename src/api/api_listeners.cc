// /listeners and /listeners/{name}.
#include <fmt/format.h>

#include "api/api_state.h"
#include "api/http_text.h"
#include "config/document.h"
#include "config/json.h"
#include "config/read.h"

namespace weir::api {
namespace {

// The listener as it was defined: without the routes that routing rules and redirect_to_https have
// appended.
config::Listener definition_of(const Visit& visit, const config::Listener& effective) {
  config::Listener definition = effective;
  if (effective.redirect_to_https != 0) definition.routes.pop_back();
  if (control::takes_rules(effective))
    definition.routes.resize(definition.routes.size() - visit.objects().rules.size());
  return definition;
}

std::string text_of(const config::Listener& definition) { return config::to_json(definition, {.origin = true}); }

ApiResponse listener_response(const config::Listener& definition, int status = 200) {
  std::string text = text_of(definition);
  std::string etag = etag_of(text);
  return with_etag(json_text_response(std::move(text), status), std::move(etag));
}

std::expected<config::Listener, Problem> listener_of_path(const Visit& visit) {
  const config::Listener* listener = find_listener(visit.config(), visit.arguments[0]);
  if (listener == nullptr) return not_found(fmt::format("there is no listener '{}'", visit.arguments[0]));
  return definition_of(visit, *listener);
}

// Checks what the listener names before the whole configuration is checked, so that the field at fault is named.
std::expected<void, Problem> check_pools(const Visit& visit, const config::Listener& listener) {
  config::Faults faults;
  auto check = [&](std::string field, const std::string& pool) {
    if (pool.empty() || find_pool(visit.config(), pool) != nullptr) return;
    faults.push_back({{"api", 0, 0}, std::move(field), fmt::format("there is no pool '{}'", pool)});
  };
  check("pool", listener.pool);
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    check(fmt::format("routes[{}].pool", i), listener.routes[i].pool);
  }
  if (!faults.empty()) return bad_body(std::move(faults));
  return {};
}

// Everything else was in order before: a fault of a listener is about the one that was sent.
std::unexpected<Problem> about_what_was_sent(Problem problem) {
  if (problem.faults.empty()) return std::unexpected(std::move(problem));
  for (config::Fault& fault : problem.faults) {
    std::size_t end = fault.path.find("].");
    if (fault.path.starts_with("listeners[") && end != std::string::npos) fault.path.erase(0, end + 2);
  }
  std::unexpected<Problem> rephrased = bad_body(std::move(problem.faults));
  rephrased.error().status = problem.status;
  return rephrased;
}

net::Task<ApiResult> store(Visit& visit, config::Listener wanted, int status) {
  if (auto known = check_pools(visit, wanted); !known) co_return std::unexpected(std::move(known.error()));
  std::string name = wanted.name;
  control::Objects next = visit.objects();
  next.listeners[name] = std::make_shared<const config::Listener>(wanted);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return about_what_was_sent(std::move(done.error()));
  if (!visit.dry_run) wanted = definition_of(visit, *find_listener(visit.config(), name));
  ApiResponse response = listener_response(wanted, status);
  if (status == 201) response.headers.emplace_back("Location", "/listeners/" + percent_encoded(name));
  co_return response;
}

}  // namespace

ApiResult list_listeners(const Visit& visit) {
  std::string all = "{\"listeners\":[";
  for (const config::Listener& listener : visit.config().listeners) {
    if (all.back() != '[') all += ',';
    all += text_of(definition_of(visit, listener));
  }
  for (const Json& other : set_aside_json(visit, control::kListenerKind))
    all += (all.back() == '[' ? "" : ",") + json_text(other);
  return json_text_response(all + "]}");
}

ApiResult get_listener(const Visit& visit) {
  std::expected<config::Listener, Problem> listener = listener_of_path(visit);
  if (listener) return listener_response(*listener);
  Json aside = set_aside_json(visit, control::kListenerKind, visit.arguments[0]);
  if (!aside.is_null()) return json_response(aside);
  return std::unexpected(std::move(listener.error()));
}

net::Task<ApiResult> create_listener(Visit& visit) {
  auto wanted = config::read_listener(visit.request.body, visit.kinds());
  if (!wanted) co_return bad_body(std::move(wanted.error()), visit.request.body);
  if (const config::Listener* present = find_listener(visit.config(), wanted->name)) {
    if (!present->origin.from_api())
      co_return of_file(fmt::format("the listener '{}'", present->name), present->origin);
    co_return conflict(fmt::format("there is a listener '{}' already", present->name), "name");
  }
  co_return co_await store(visit, std::move(*wanted), 201);
}

// Creates or replaces.
net::Task<ApiResult> put_listener(Visit& visit) {
  config::Document body = config::parse_json(visit.request.body, "api");
  if (!body.faults.empty()) co_return bad_body(std::move(body.faults));
  const std::string& name = visit.arguments[0];
  if (body.root.kind == config::Node::Kind::map && body.root.find("name") == nullptr) {
    body.root.set("name", config::Node::of_text(name));
  }
  auto wanted = config::read_listener(config::print_json(body.root, false), visit.kinds());
  if (!wanted) co_return bad_body(std::move(wanted.error()), visit.request.body);
  if (wanted->name != name) co_return bad_field("name", fmt::format("must be '{}', as in the path", name));
  const config::Listener* present = find_listener(visit.config(), name);
  std::string etag = present != nullptr ? etag_of(text_of(definition_of(visit, *present))) : "";
  if (auto same = visit.check_if_match(etag); !same) co_return std::unexpected(std::move(same.error()));
  if (present != nullptr && !present->origin.from_api()) {
    co_return of_file(fmt::format("the listener '{}'", name), present->origin);
  }
  co_return co_await store(visit, std::move(*wanted), present == nullptr ? 201 : 200);
}

net::Task<ApiResult> delete_listener(Visit& visit) {
  std::optional<ApiResult> forgotten = co_await visit.forget(control::kListenerKind, visit.arguments[0]);
  if (forgotten) co_return std::move(*forgotten);
  std::expected<config::Listener, Problem> listener = listener_of_path(visit);
  if (!listener) co_return std::unexpected(std::move(listener.error()));
  if (auto same = visit.check_if_match(etag_of(text_of(*listener))); !same) {
    co_return std::unexpected(std::move(same.error()));
  }
  if (!listener->origin.from_api())
    co_return of_file(fmt::format("the listener '{}'", listener->name), listener->origin);
  if (find_listener(visit.catalog().file(), listener->name) != nullptr) {
    co_return conflict(
        fmt::format("the listener '{}' is there whenever Weir runs without a file; it can be changed, not deleted",
                    listener->name));
  }
  control::Objects next = visit.objects();
  next.listeners.erase(listener->name);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return json_response({{"name", listener->name}, {"status", "deleted"}});
}

}  // namespace weir::api
