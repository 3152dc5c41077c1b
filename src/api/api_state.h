// Types and functions that the handlers of the API share. For api*.cc and openapi.cc only.
#pragma once

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "api/api.h"
#include "api/problem.h"
#include "config/fields.h"
#include "net/task.h"

namespace weir::api {

using Json = nlohmann::ordered_json;  // members stay in the order they were written

struct ApiState {
  explicit ApiState(Api::Parts its_parts) : parts(std::move(its_parts)), started(parts.clock.now()) {}

  // Exchanges finished at a time, for the rate over the last kRateWindow.
  struct Sample {
    base::TimePoint at;
    std::uint64_t requests;
  };
  static constexpr base::Nanoseconds kRateWindow = std::chrono::seconds(10);

  Api::Parts parts;
  base::TimePoint started;
  std::deque<Sample> samples;
};

// One call under way. Lives as long as handle() runs. Whatever a handler has read may be another after co_await, unless
// it has the turn.
struct Visit {
  ApiState& state;
  const ApiRequest& request;
  std::vector<std::string> arguments;        // what {..} of the path stood for, decoded
  std::map<std::string, std::string> query;  // decoded
  bool dry_run = false;
  std::optional<control::Catalog::Turn> turn{};  // of a change of definitions: what is read stays until it is applied
  control::Catalog::Changed changed{};           // by this call

  control::Catalog& catalog() const { return state.parts.catalog; }
  const control::Objects& objects() const { return state.parts.catalog.objects(); }
  const config::Config& config() const { return state.parts.catalog.config(); }
  const config::Kinds& kinds() const { return state.parts.catalog.kinds(); }
  // The query parameter, or empty.
  std::string_view parameter(const std::string& name) const;
  // A query parameter such as ?drain_timeout=30s; nothing when it is not there. `rules` are of milliseconds.
  std::expected<std::optional<config::Duration>, Problem> duration(const std::string& name,
                                                                   const config::Rules& rules) const;
  // ?drain_timeout=30s.
  std::expected<std::optional<config::Duration>, Problem> drain_timeout() const {
    return duration("drain_timeout", {.max = config::kMaxTimeoutMs});
  }
  // 412 when If-Match names other versions than `etag`, or If-None-Match names it; empty: there is no object.
  std::expected<void, Problem> check_if_match(std::string_view etag) const;
  // Waits for the turn; then what handlers read is the present state. 503 when others take too long.
  net::Task<std::expected<void, Problem>> begin();
  // Changes the API's objects, or only checks when it is a dry run. In turn.
  net::Task<std::expected<void, Problem>> apply(control::Objects next,
                                                std::optional<config::Duration> drain_timeout = {},
                                                std::vector<control::ObjectName> forget = {});
  // Removes an object that is set aside; nothing when there is none of that name. In turn.
  net::Task<std::optional<ApiResult>> forget(std::string_view kind, std::string name);
  // Lays `by_operator` over the backend, at once.
  net::Task<void> set_override(control::BackendKey key, control::Override by_operator,
                               std::optional<config::Duration> drain_timeout = {});
};

// The function of a call: a look answers at once, a change may wait for its turn and for the store.
struct Handler {
  ApiResult (*look)(const Visit&) = nullptr;
  net::Task<ApiResult> (*change)(Visit&) = nullptr;
  constexpr Handler(ApiResult (*its_look)(const Visit&)) : look(its_look) {}
  constexpr Handler(net::Task<ApiResult> (*its_change)(Visit&)) : change(its_change) {}
};

struct Call {
  std::string_view method;
  std::string_view path;  // "/backends/{id}"
  Permission permission;
  Handler handler;
  std::string_view summary;
  int success = 200;
  // The body it takes, or null.
  const config::Resource& (*body)() = nullptr;
  // Query parameters beside dry_run; separated by spaces.
  std::string_view parameters = {};
  bool has_dry_run = true;         // of a change
  bool is_in_turn = true;          // of a change: begins with the turn; others take it when they need it
  bool shows_definitions = false;  // with values that only an admin may see: see redaction.h

  bool is_change() const { return method != "GET"; }
};

// All calls, in the order of the documentation.
std::span<const Call> calls();

// The pieces of an answer.
ApiResponse json_response(const Json& body, int status = 200);
ApiResponse json_text_response(std::string body, int status = 200);
// A strong validator for an object that is shown as `text`.
std::string etag_of(std::string_view text);
ApiResponse with_etag(ApiResponse response, std::string etag);

// `json` on one line; what is no UTF-8 in it is replaced.
std::string json_text(const Json& json);
// The objects of the kind that are set aside, as lists show them, and one of them; null when it is not.
Json set_aside_json(const Visit& visit, std::string_view kind);
Json set_aside_json(const Visit& visit, std::string_view kind, const std::string& name);
// Every kind, as GET /config shows them.
Json all_set_aside_json(const Visit& visit);
// The "pool/id" of a backend that is set aside, or empty.
std::string set_aside_backend(const Visit& visit, const std::string& id);

// 409 when something uses the object: "'p' is in use by listener 'web'".
std::expected<void, Problem> check_unused(std::string_view what, const std::vector<std::string>& users);
// The pool that comes with the first thing said of it.
std::expected<config::Pool, Problem> make_default_pool(const Visit& visit);

// The effective pool or listener of that name, or null.
const config::Pool* find_pool(const config::Config& config, std::string_view name);
const config::Listener* find_listener(const config::Config& config, std::string_view name);

// The handlers, by file.
// api_backends.cc
ApiResult list_backends(const Visit&), get_backend(const Visit&);
net::Task<ApiResult> create_backend(Visit&), patch_backend(Visit&), delete_backend(Visit&);
// api_operations.cc
ApiResult get_backend_health(const Visit&);
net::Task<ApiResult> drain_backend(Visit&), enable_backend(Visit&), disable_backend(Visit&), eject_backend(Visit&),
    readmit_backend(Visit&);
// api_pools.cc
ApiResult list_pools(const Visit&), get_pool(const Visit&);
net::Task<ApiResult> create_pool(Visit&), put_pool(Visit&), delete_pool(Visit&), put_algorithm(Visit&);
// api_listeners.cc
ApiResult list_listeners(const Visit&), get_listener(const Visit&);
net::Task<ApiResult> create_listener(Visit&), put_listener(Visit&), delete_listener(Visit&);
// api_rules.cc
ApiResult list_rules(const Visit&), get_rule(const Visit&);
net::Task<ApiResult> create_rule(Visit&), put_rule(Visit&), delete_rule(Visit&);
// api_certificates.cc
ApiResult list_certificates(const Visit&), get_certificate(const Visit&);
net::Task<ApiResult> put_certificate(Visit&), delete_certificate(Visit&);
// api_status.cc
ApiResult get_health(const Visit&), get_live(const Visit&), get_ready(const Visit&), get_config(const Visit&),
    get_connections(const Visit&), get_metrics(const Visit&), get_events(const Visit&), get_openapi(const Visit&),
    get_index(const Visit&);
net::Task<ApiResult> reload_config(Visit&);

}  // namespace weir::api
