#include "api/backend_view.h"

#include <fmt/format.h>

#include "api/http_text.h"
#include "config/json.h"
#include "control/object_json.h"
#include "control/time_text.h"

namespace weir::api {
namespace {

Json origin_json(const config::Origin& origin) {
  Json json{{"file", origin.file}};
  if (origin.line > 0) json["line"] = origin.line, json["column"] = origin.column;
  return json;
}

// The path that probes ask for, or empty when the checker has none.
std::string health_check_path(const BackendView& view) {
  if (!view.definition->health_check_path.empty()) return view.definition->health_check_path;
  const config::Choice& checker = view.pool->health_check.checker;
  auto path = checker.options.find("path");
  if (path == checker.options.end()) return {};
  const auto* text = std::get_if<std::string>(&path->second);
  return text == nullptr ? std::string() : *text;
}

bool is_enabled(const BackendView& view) {
  switch (view.by_operator.operation) {
    case control::Override::Operation::enabled:
      return true;
    case control::Override::Operation::disabled:
      return false;
    default:
      return view.definition->enabled;
  }
}

std::string disabled_by(const BackendView& view) {
  bool by_operator = view.by_operator.operation == control::Override::Operation::disabled;
  return by_operator ? "an operator has disabled it" : "its definition says enabled: false";
}

// The words of its agent; null when it has none.
Json agent_json(const Visit& visit, const BackendView& view, double effective_weight) {
  std::optional<health::AgentDetails> known;
  if (visit.state.parts.agent) known = visit.state.parts.agent(*view.running);
  if (!known) return nullptr;
  Json json{{"words", known->words},
            {"at", nullptr},
            {"weight", effective_weight},
            {"max_connections", nullptr},
            {"state", known->verdict.state_name()},
            {"error", nullptr}};
  if (known->at_unix_ms != 0) json["at"] = control::time_text(known->at_unix_ms);
  if (known->verdict.max_connections) json["max_connections"] = *known->verdict.max_connections;
  if (!known->error.empty()) json["error"] = known->error;
  return json;
}

template <typename Number>
Number load(const std::atomic<Number>& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace

std::string BackendView::etag() const {
  return etag_of(config::to_json(*definition, {.origin = true}) + pool->name + control::write_object(by_operator));
}

std::expected<BackendView, Problem> find_backend(const Visit& visit, const std::string& id, std::string_view pool) {
  std::vector<BackendView> found;
  auto key = control::BackendKey::parse(id);  // ids have no slash, so that one belongs to "pool/id"
  std::string_view wanted_id = key ? std::string_view(key->id) : std::string_view(id);
  if (key) pool = key->pool;
  for (const config::Pool& candidate : visit.config().pools) {
    if (visit.catalog().effective().borrowed.contains(candidate.name)) continue;
    if (!pool.empty() && candidate.name != pool) continue;
    for (const config::Backend& backend : candidate.backends) {
      if (backend.id != wanted_id) continue;
      control::BackendKey its_key{candidate.name, backend.id};
      found.push_back({&candidate, &backend, visit.state.parts.publisher.find(its_key),
                       override_of(visit.catalog(), its_key), api::is_stored(visit.catalog(), its_key)});
    }
  }
  if (found.empty()) {
    return not_found(pool.empty() ? fmt::format("there is no backend '{}'", wanted_id)
                                  : fmt::format("there is no backend '{}' in the pool '{}'", wanted_id, pool));
  }
  if (found.size() == 1) return std::move(found.front());
  std::string pools;
  for (const BackendView& view : found) pools += (pools.empty() ? "" : ", ") + view.pool->name;
  return conflict(
      fmt::format("the id '{}' is in several pools ({}); name one by ?pool= or as pool/id", wanted_id, pools), "pool");
}

std::expected<BackendView, Problem> find_backend(const Visit& visit, const std::string& id) {
  return find_backend(visit, id, visit.parameter("pool"));
}

std::string reason_of(const Visit& visit, const BackendView& view) {
  using enum pool::BackendState;
  const pool::Backend& running = *view.running;
  pool::BackendState state = load(running.state);
  const control::Publisher::Standing standing = visit.state.parts.publisher.standing(view.key());
  if (!standing.by_agent.empty()) return standing.by_agent;
  if (state == draining) return "an operator drains it";
  if (state == disabled) return disabled_by(view);
  if (view.by_operator.healthy) return "an operator says so (health_override)";
  std::optional<health::HealthDetails> known;
  if (visit.state.parts.health) known = visit.state.parts.health(running);
  std::string reason;
  if (known && !known->reason.empty()) {
    reason = known->reason;
  } else {
    bool waits = load(running.name_state) == pool::NameState::pending;
    reason = waits ? "the first look-up of its name is under way" : "no check of it has ended yet";
  }
  bool has_lost_name = load(running.name_state) == pool::NameState::known && !standing.name_error.empty();
  if (!has_lost_name) return reason;
  return fmt::format("{}; the name {} does not resolve any more ({}): its last addresses stay in use", reason,
                     view.definition->host, standing.name_error);
}

namespace {

std::optional<control::EjectionDetails> ejection_of(const Visit& visit, const BackendView& view) {
  const Api::Parts& parts = visit.state.parts;
  return view.pool->passive.enabled ? parts.ejections.details(view.key(), parts.clock.now()) : std::nullopt;
}

const char* name(pool::EjectionState::Phase phase) {
  switch (phase) {
    case pool::EjectionState::Phase::in:
      return "in";
    case pool::EjectionState::Phase::ejected:
      return "ejected";
    case pool::EjectionState::Phase::half_open:
      return "waits_for_trial";
    case pool::EjectionState::Phase::trial:
      return "trial";
  }
  return "?";
}

}  // namespace

Json ejected_json(const Visit& visit, const BackendView& view) {
  auto known = ejection_of(visit, view);
  if (!known || known->phase == pool::EjectionState::Phase::in) return nullptr;
  return {{"state", name(known->phase)},
          {"since", control::time_text(known->since_unix_ms)},
          {"until", control::time_text(known->until_unix_ms)},
          {"reason", pool::word(known->reason)},
          {"detail", known->detail},
          {"count", known->count}};
}

Json ejections_json(const Visit& visit, const BackendView& view) {
  Json list = Json::array();
  auto known = ejection_of(visit, view);
  if (!known) return list;
  for (const control::EjectionDetails::Change& change : known->history) {
    Json json{{"at", control::time_text(change.at_unix_ms)},
              {"action", change.is_out ? "ejected" : "returned"},
              {"reason", nullptr},
              {"detail", change.detail}};
    if (change.reason) json["reason"] = pool::word(*change.reason);
    list.push_back(std::move(json));
  }
  return list;
}

Json to_json(const Visit& visit, const BackendView& view) {
  const config::Backend& backend = *view.definition;
  const pool::Backend& running = *view.running;
  bool is_v6 = backend.host.find(':') != std::string::npos;
  Json json{{"id", backend.id},
            {"pool", view.pool->name},
            {"host", backend.host},
            {"port", backend.port},
            {"address", is_v6 ? fmt::format("[{}]:{}", backend.host, backend.port)
                              : fmt::format("{}:{}", backend.host, backend.port)},
            {"weight", view.by_operator.weight.value_or(backend.weight)},
            {"file_weight", nullptr},
            {"status", pool::name(load(running.state))},
            {"since", nullptr},
            {"reason", reason_of(visit, view)},
            {"ejected", ejected_json(visit, view)},
            {"enabled", is_enabled(view)},
            {"max_connections", backend.max_connections},
            {"health_check_path", health_check_path(view)},
            {"health_override", nullptr},
            {"stored", view.is_stored},
            {"active_connections", load(running.in_flight)},
            {"open_connections", running.places.taken()},
            {"queued", running.places.waiting()},
            {"total_requests", load(running.total_requests)},
            {"failed_requests", load(running.failed_requests)},
            {"origin", origin_json(backend.origin)}};
  if (view.by_operator.weight) json["file_weight"] = backend.weight;
  if (view.by_operator.healthy) json["health_override"] = *view.by_operator.healthy ? "healthy" : "unhealthy";
  const control::Publisher::Standing standing = visit.state.parts.publisher.standing(view.key());
  if (standing.since_unix_ms != 0) json["since"] = control::time_text(standing.since_unix_ms);
  if (Json agent = agent_json(visit, view, standing.effective_weight); !agent.is_null())
    json["agent"] = std::move(agent);
  return json;
}

ApiResponse backend_response(const Visit& visit, const BackendView& view, int status) {
  return with_etag(json_response(to_json(visit, view), status), view.etag());
}

}  // namespace weir::api
