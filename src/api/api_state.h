// What the handlers of the API share. For api*.cc and openapi.cc only.
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

// One call under way. Lives as long as handle() runs.
struct Visit {
  ApiState& state;
  const ApiRequest& request;
  std::vector<std::string> arguments;        // what {..} of the path stood for, decoded
  std::map<std::string, std::string> query;  // decoded
  bool dry_run = false;

  control::Catalog& catalog() const { return state.parts.catalog; }
  const control::Objects& objects() const { return state.parts.catalog.objects(); }
  const config::Config& config() const { return state.parts.catalog.config(); }
  const config::Kinds& kinds() const { return state.parts.catalog.kinds(); }
  // The query parameter, or empty.
  std::string_view parameter(const std::string& name) const;
  // ?drain_timeout=30s.
  std::expected<std::optional<config::Duration>, Problem> drain_timeout() const;
  // 412 when If-Match names other versions than `etag`, or If-None-Match names it; empty: there is no object.
  std::expected<void, Problem> check_if_match(std::string_view etag) const;
  // Removes an object that is set aside; nothing when there is none of that name.
  std::optional<ApiResult> forget(std::string_view kind, const std::string& name) const;
  // Changes the API's objects, or only checks when it is a dry run.
  std::expected<void, Problem> apply(control::Objects next, std::optional<config::Duration> drain_timeout = {},
                                     std::vector<control::ObjectName> forget = {}) const;
};

struct Call {
  std::string_view method;
  std::string_view path;  // "/backends/{id}"
  Permission permission;
  ApiResult (*handle)(const Visit&);
  std::string_view summary;
  int success = 200;
  // The body it takes, or null.
  const config::Resource& (*body)() = nullptr;
  // Query parameters beside dry_run; separated by spaces.
  std::string_view parameters = {};
  bool has_dry_run = true;         // of a change
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
// What lists show of the objects of the kind that are set aside, and of one of them; null when it is not.
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
ApiResult list_backends(const Visit&), create_backend(const Visit&), get_backend(const Visit&);     // api_backends.cc
ApiResult patch_backend(const Visit&), delete_backend(const Visit&);                                // api_backends.cc
ApiResult get_backend_health(const Visit&), drain_backend(const Visit&);                            // api_operations.cc
ApiResult enable_backend(const Visit&), disable_backend(const Visit&);                              // api_operations.cc
ApiResult list_pools(const Visit&), create_pool(const Visit&), get_pool(const Visit&);              // api_pools.cc
ApiResult put_pool(const Visit&), delete_pool(const Visit&), put_algorithm(const Visit&);           // api_pools.cc
ApiResult list_listeners(const Visit&), create_listener(const Visit&), get_listener(const Visit&);  // api_listeners.cc
ApiResult put_listener(const Visit&), delete_listener(const Visit&);                                // api_listeners.cc
ApiResult list_rules(const Visit&), create_rule(const Visit&), get_rule(const Visit&);              // api_rules.cc
ApiResult put_rule(const Visit&), delete_rule(const Visit&);                                        // api_rules.cc
ApiResult list_certificates(const Visit&), get_certificate(const Visit&);                      // api_certificates.cc
ApiResult put_certificate(const Visit&), delete_certificate(const Visit&);                     // api_certificates.cc
ApiResult get_health(const Visit&), get_live(const Visit&), get_ready(const Visit&);           // api_status.cc
ApiResult get_config(const Visit&), get_connections(const Visit&), get_metrics(const Visit&);  // api_status.cc
ApiResult get_events(const Visit&), get_openapi(const Visit&), get_index(const Visit&);        // api_status.cc
ApiResult reload_config(const Visit&);                                                         // api_status.cc

}  // namespace weir::api
