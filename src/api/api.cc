#include "api/api.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/api_state.h"
#include "api/http_text.h"
#include "api/redaction.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "config/document.h"
#include "config/reader.h"
#include "metrics/families.h"

namespace weir::api {
namespace {

// The arguments of `pattern` that make it `path`, or nothing.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  std::vector<std::string> arguments;
  while (true) {
    auto wanted_end = std::min(pattern.find('/', 1), pattern.size());
    auto have_end = std::min(path.find('/', 1), path.size());
    std::string_view wanted = pattern.substr(0, wanted_end), have = path.substr(0, have_end);
    if (wanted.starts_with("/{")) {
      std::optional<std::string> argument = percent_decoded(have.substr(std::min<std::size_t>(1, have.size())));
      if (!argument || argument->empty()) return {};
      arguments.push_back(std::move(*argument));
    } else if (wanted != have) {
      return {};
    }
    pattern.remove_prefix(wanted_end);
    path.remove_prefix(have_end);
    if (pattern.empty() || path.empty()) break;
  }
  if (!pattern.empty() || !path.empty()) return {};
  return arguments;
}

struct Found {
  const Call* call;
  std::vector<std::string> arguments;
};

std::expected<Found, Problem> find_call(const ApiRequest& request) {
  std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Call& call : calls()) {
    std::optional<std::vector<std::string>> arguments = match_path(call.path, request.path);
    if (!arguments) continue;
    if (call.method == method) return Found{&call, std::move(*arguments)};
    if (!allowed.empty()) allowed += ", ";
    allowed += call.method == "GET" ? "GET, HEAD" : call.method;
  }
  if (allowed.empty()) return not_found(fmt::format("there is no {}; GET /openapi.json lists what is", request.path));
  return std::unexpected(Problem{
      .status = 405, .detail = fmt::format("{} takes {}", request.path, allowed), .headers = {{"Allow", allowed}}});
}

// The media type of the call's answer.
std::string_view media_type(const Call& call) {
  if (call.path == "/") return "text/html";
  if (call.path == "/metrics") return "text/plain";
  if (call.path == "/events") return "text/event-stream";
  return "application/json";
}

std::expected<void, Problem> check_form(const ApiRequest& request, const Call& call) {
  if (request.body.size() > kMaxBodyBytes) {
    return std::unexpected(Problem{.status = 413, .detail = "a body may have at most 1 MB"});
  }
  bool needs_json = call.body != nullptr || !request.body.empty();
  if (call.is_change() && needs_json && !is_json_type(request.content_type)) {
    return std::unexpected(
        Problem{.status = 415, .detail = "the body must be JSON: send Content-Type: application/json"});
  }
  // Nothing of it would be read, whatever was meant by it.
  if (call.is_change() && call.body == nullptr && !request.body.empty()) {
    std::string query;
    if (!call.parameters.empty()) query = fmt::format("; what it takes goes into the query: {}", call.parameters);
    return std::unexpected(Problem{.status = 400, .detail = "this call takes no body" + query});
  }
  if (!accepts(request.accept, media_type(call))) {
    return std::unexpected(Problem{.status = 406, .detail = fmt::format("the answer is {}", media_type(call))});
  }
  return {};
}

std::expected<void, Problem> read_query(Visit& visit, const Call& call) {
  std::optional<std::map<std::string, std::string>> query = parse_query(visit.request.query);
  if (!query) return bad_field("query", "is not percent-encoded properly, or has a parameter twice");
  visit.query = std::move(*query);
  for (const auto& [name, value] : visit.query) {
    if (name == "dry_run" && call.is_change()) {
      if (value != "true" && value != "false") return bad_field("dry_run", "must be true or false");
      visit.dry_run = value == "true";
    } else if (!contains_word(call.parameters, name)) {
      return bad_field(name, "unknown query parameter");
    }
  }
  return {};
}

// `created`: where a new object was made, as the path of a POST does not name it.
void audit(const ApiRequest& request, const Visit* visit, std::string_view who, int status,
           std::string_view created = {}) {
  std::string path, name;
  base::append_json_escaped(path, request.path);
  base::append_json_escaped(name, who);
  if (!created.empty()) {
    path += " -> ";
    base::append_json_escaped(path, created);
  }
  base::log_info("audit: {} from {}: {} {}: {} {}{}", name, request.peer, request.method, path, status,
                 status_phrase(status), visit != nullptr && visit->dry_run ? " (dry run)" : "");
}

std::string_view header_of(const ApiResponse& response, std::string_view name) {
  for (const auto& [field, value] : response.headers) {
    if (field == name) return value;
  }
  return {};
}

// The object of the call, for its event: the stored object of the path's kind that it changed.
control::ObjectName changed_object(const Visit& visit, const Call& call) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKinds{
      {{"/backends", control::kBackendKind},
       {"/pools", control::kPoolKind},
       {"/config/algorithm", control::kPoolKind},
       {"/listeners", control::kListenerKind},
       {"/routing-rules", control::kRuleKind}}};
  control::ObjectName named{
      call.path.starts_with("/certificates") ? std::string(control::kCertificateKind) : "configuration", {}};
  for (const auto& [path, kind] : kKinds) {
    if (call.path.starts_with(path)) named.kind = kind;
  }
  if (named.kind == "configuration") return named;
  if (!visit.arguments.empty()) named.name = visit.arguments.front();
  for (const control::ObjectName& changed : visit.changed) {
    bool of_backend = named.kind == control::kBackendKind && changed.kind == control::kOverrideKind;
    if (changed.kind == named.kind || of_backend) return {named.kind, changed.name};
  }
  return named;
}

// The answer of a change.
net::Task<ApiResult> make_change(Visit& visit, const Call& call) {
  if (visit.state.parts.is_draining && visit.state.parts.is_draining()) {
    co_return conflict("Weir is stopping and takes no changes any more");
  }
  if (call.is_in_turn) {
    std::expected<void, Problem> begun = co_await visit.begin();
    if (!begun) co_return std::unexpected(std::move(begun.error()));
  }
  co_return co_await call.handler.change(visit);
}

// The change is in effect: it is answered as soon as every worker uses it, and with 202 when some are late. Others have
// their turn meanwhile.
net::Task<void> settle(Visit& visit, ApiResponse& response) {
  visit.turn.reset();
  if (visit.dry_run || !visit.state.parts.settle) co_return;
  control::LateWorkers late = co_await visit.state.parts.settle();
  if (!late.empty()) response.status = 202;
}

void report_change(const Visit& visit, const Call& call, std::string_view who) {
  control::ObjectName changed = changed_object(visit, call);
  Json event{{"object", changed.kind},
             {"id", changed.name},
             {"who", who},
             {"method", visit.request.method},
             {"path", visit.request.path}};
  visit.state.parts.events.append("change", event.dump(-1, ' ', false, Json::error_handler_t::replace));
}

net::Task<ApiResult> serve(ApiState& state, const ApiRequest& request, const Found& found, std::string_view who) {
  const Call& call = *found.call;
  Visit visit{.state = state, .request = request, .arguments = found.arguments, .query = {}};
  ApiResult result;
  std::expected<void, Problem> ready = check_form(request, call);
  if (ready) ready = read_query(visit, call);
  if (!ready) {
    result = std::unexpected(std::move(ready.error()));
  } else if (call.is_change()) {
    result = co_await make_change(visit, call);
    if (result) co_await settle(visit, *result);
  } else {
    result = call.handler.look(visit);
  }
  if (!call.is_change()) co_return result;
  std::string_view created = result ? header_of(*result, "Location") : std::string_view();
  audit(request, &visit, who, result ? result->status : result.error().status, created);
  if (result && !visit.dry_run) report_change(visit, call, who);
  co_return result;
}

Permission permission_for(const std::expected<Found, Problem>& found) {
  // A caller who may not look learns nothing about what there is.
  return found ? found->call->permission : Permission::viewer;
}

std::expected<std::string, Problem> admit_caller(const ApiState& state, const ApiRequest& request,
                                                 const std::expected<Found, Problem>& found) {
  std::expected<std::string, Problem> who = admit(request, permission_for(found), state.parts.catalog.config().admin);
  if (!who && found && found->call->is_change()) {
    std::string_view name = who.error().who.empty() ? "?" : std::string_view(who.error().who);
    audit(request, nullptr, name, who.error().status);
  }
  return who;
}

net::Task<ApiResponse> answer(ApiState& state, const ApiRequest& request) {
  std::expected<Found, Problem> found = find_call(request);
  std::expected<std::string, Problem> who = admit_caller(state, request, found);
  if (!who) co_return who.error().to_response();
  if (!found) co_return found.error().to_response();
  Permission permission = permission_for(found);
  // A caller who is told that a backend is healthy may rely on it. (`anyone` is told of none.)
  if (permission != Permission::anyone) state.parts.publisher.publish_changes(state.parts.clock.now());
  ApiResult result = co_await serve(state, request, *found, *who);
  if (!result) co_return result.error().to_response();
  if (found->call->shows_definitions && !admit(request, Permission::admin, state.parts.catalog.config().admin)) {
    result->body = without_header_values(result->body);
  }
  co_return std::move(*result);
}

ApiResponse with_common_headers(ApiResponse response) {
  if (header_of(response, "Cache-Control").empty()) response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

Api::Api(Parts parts) : state_(std::make_unique<ApiState>(std::move(parts))) {}
Api::~Api() = default;

net::Task<ApiResponse> Api::handle(const ApiRequest& request) {
  ApiResponse response = co_await answer(*state_, request);
  bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && response.status == 200 && excludes_etag(request.if_none_match, header_of(response, "ETag"))) {
    response.status = 304;
    response.body.clear();
    std::erase_if(response.headers, [](const auto& field) { return field.first == "Content-Type"; });
  }
  co_return with_common_headers(std::move(response));
}

std::optional<ApiResponse> Api::refusal(const ApiRequest& request) {
  std::expected<std::string, Problem> who = admit_caller(*state_, request, find_call(request));
  if (who) return std::nullopt;
  return with_common_headers(who.error().to_response());
}

void Api::tick() {
  ApiState& state = *state_;
  base::TimePoint now = state.parts.clock.now();
  state.samples.push_back({now, state.parts.registry.total(metrics::families::kRequests.name)});
  while (state.samples.size() > 2 && now - state.samples.front().at > ApiState::kRateWindow) state.samples.pop_front();
}

// ---- api_state.h --------------------------------------------------------------------------------------------------

std::string_view Visit::parameter(const std::string& name) const {
  auto found = query.find(name);
  return found == query.end() ? std::string_view() : std::string_view(found->second);
}

std::expected<std::optional<config::Duration>, Problem> Visit::duration(const std::string& name,
                                                                        const config::Rules& rules) const {
  auto given = query.find(name);
  if (given == query.end()) return std::nullopt;
  config::Document document{.file = "api", .root = config::Node::of_text(given->second), .faults = {}};
  config::Faults faults;
  config::Reader reader(document, kinds(), faults);
  config::Reader::In in(reader, name);
  std::optional<config::Duration> timeout = reader.duration(document.root, rules);
  if (!timeout) return bad_body(std::move(faults));
  return timeout;
}

std::expected<void, Problem> Visit::check_if_match(std::string_view etag) const {
  bool matches = request.if_match.empty() || matches_etag(request.if_match, etag);
  bool excluded = excludes_etag(request.if_none_match, etag);
  if (matches && !excluded) return {};
  Problem problem{.status = 412, .detail = excluded ? "the object exists" : "the object has changed since"};
  if (etag.empty()) problem.detail = "there is no such object";
  if (!etag.empty()) problem.headers.emplace_back("ETag", etag);
  return std::unexpected(std::move(problem));
}

net::Task<std::expected<void, Problem>> Visit::begin() {
  control::Catalog::Outcome<control::Catalog::Turn> begun = co_await catalog().begin_change();
  if (!begun) co_return refused(std::move(begun.error()));
  turn.emplace(std::move(*begun));
  co_return std::expected<void, Problem>();
}

net::Task<std::expected<void, Problem>> Visit::apply(control::Objects next,
                                                     std::optional<config::Duration> drain_timeout,
                                                     std::vector<control::ObjectName> forget) {
  WEIR_ASSERT(turn.has_value());
  control::ChangeOptions options{.dry_run = dry_run, .drain_timeout = drain_timeout, .forget = std::move(forget)};
  control::Catalog::Outcome<control::Catalog::Changed> outcome =
      co_await catalog().change(*turn, std::move(next), std::move(options));
  if (!outcome) co_return refused(std::move(outcome.error()));
  changed = std::move(*outcome);
  co_return std::expected<void, Problem>();
}

net::Task<void> Visit::set_override(control::BackendKey key, control::Override by_operator,
                                    std::optional<config::Duration> drain_timeout) {
  control::ChangeOptions options{.dry_run = dry_run, .drain_timeout = drain_timeout, .forget = {}};
  changed = co_await catalog().set_override(std::move(key), by_operator, std::move(options));
}

ApiResponse json_text_response(std::string body, int status) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

ApiResponse json_response(const Json& body, int status) {
  return json_text_response(body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", status);
}

std::string etag_of(std::string_view text) { return fmt::format("\"{:016x}\"", base::hash_text(text)); }

ApiResponse with_etag(ApiResponse response, std::string etag) {
  response.headers.emplace_back("ETag", std::move(etag));
  return response;
}

std::expected<void, Problem> check_unused(std::string_view what, const std::vector<std::string>& users) {
  if (users.empty()) return {};
  constexpr std::size_t kMostShown = 5;
  std::size_t shown = std::min(users.size(), kMostShown);
  std::string names =
      fmt::format("{}", fmt::join(users.begin(), users.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (users.size() > shown) names += fmt::format(" and {} more", users.size() - shown);
  return conflict(fmt::format("{} is in use by {}; change or remove that first", what, names));
}

const config::Pool* find_pool(const config::Config& config, std::string_view name) {
  auto found = std::ranges::find(config.pools, name, &config::Pool::name);
  return found == config.pools.end() ? nullptr : &*found;
}

const config::Listener* find_listener(const config::Config& config, std::string_view name) {
  auto found = std::ranges::find(config.listeners, name, &config::Listener::name);
  return found == config.listeners.end() ? nullptr : &*found;
}

}  // namespace weir::api
