// The calls by which operators change the state of a backend, and its health.
#include "api/api_state.h"
#include "api/backend_view.h"
#include "api/http_text.h"
#include "control/time_text.h"

namespace weir::api {
namespace {

net::Task<ApiResult> operate(Visit& visit, control::Override::Operation operation,
                             std::optional<config::Duration> drain_timeout = {}) {
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  if (!view) co_return std::unexpected(std::move(view.error()));
  if (auto same = visit.check_if_match(view->etag()); !same) co_return std::unexpected(std::move(same.error()));
  // To enable what is enabled by its definition is to take the override away.
  bool drains_again = operation == control::Override::Operation::draining && view->by_operator.operation == operation;
  bool is_default = operation == control::Override::Operation::enabled && view->definition->enabled;
  control::Override by_operator = view->by_operator;
  by_operator.operation = is_default ? control::Override::Operation::none : operation;

  control::BackendKey key = view->key();
  co_await visit.set_override(key, by_operator, drain_timeout);
  if (drains_again && drain_timeout && !visit.dry_run) visit.state.parts.publisher.drain_again(key, *drain_timeout);
  co_return answer(visit, find_backend(visit, key.id, key.pool));
}

Json to_json(const health::HealthDetails::Check& check) {
  double latency_ms = std::chrono::duration<double, std::milli>(check.result.latency).count();
  Json json{{"at", control::time_text(check.at_unix_ms)},
            {"ok", check.result.ok},
            {"latency_ms", latency_ms},
            {"error", nullptr}};
  if (!check.result.ok) json["error"] = check.result.error;
  if (!check.result.detail.empty()) json["detail"] = check.result.detail;
  return json;
}

Json to_json(const pool::LastError::Seen& seen) {
  return {{"at", control::time_text(seen.unix_ms)},
          {"reason", base::name(seen.error.code)},
          {"detail", base::cause(seen.error)}};
}

}  // namespace

net::Task<ApiResult> drain_backend(Visit& visit) {
  auto drain_timeout = visit.drain_timeout();
  if (!drain_timeout) co_return std::unexpected(std::move(drain_timeout.error()));
  co_return co_await operate(visit, control::Override::Operation::draining, *drain_timeout);
}

net::Task<ApiResult> enable_backend(Visit& visit) { return operate(visit, control::Override::Operation::enabled); }
net::Task<ApiResult> disable_backend(Visit& visit) { return operate(visit, control::Override::Operation::disabled); }

net::Task<ApiResult> eject_backend(Visit& visit) {
  auto duration = visit.duration("duration", {.min = 100, .max = config::kMaxTimeoutMs});
  if (!duration) co_return std::unexpected(std::move(duration.error()));
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  if (!view) co_return std::unexpected(std::move(view.error()));
  if (auto same = visit.check_if_match(view->etag()); !same) co_return std::unexpected(std::move(same.error()));
  const Api::Parts& parts = visit.state.parts;
  if (auto may = parts.ejections.may_eject(view->key()); !may) co_return conflict(std::move(may.error()));
  if (!visit.dry_run) {
    base::Nanoseconds time = duration->value_or(view->pool->passive.ejection.max);
    auto done = parts.ejections.eject(view->key(), time, parts.clock.now());
    if (!done) co_return conflict(std::move(done.error()));
    parts.publisher.publish_changes(parts.clock.now());
  }
  co_return answer(visit, view);
}

net::Task<ApiResult> readmit_backend(Visit& visit) {
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  if (!view) co_return std::unexpected(std::move(view.error()));
  if (auto same = visit.check_if_match(view->etag()); !same) co_return std::unexpected(std::move(same.error()));
  if (!visit.dry_run) {
    const Api::Parts& parts = visit.state.parts;
    parts.ejections.readmit(view->key(), parts.clock.now());
    parts.publisher.publish_changes(parts.clock.now());
  }
  co_return answer(visit, view);
}

ApiResult get_backend_health(const Visit& visit) {
  std::expected<BackendView, Problem> view = find_backend(visit, visit.arguments[0]);
  if (!view) return std::unexpected(std::move(view.error()));
  const pool::Backend& running = *view->running;
  std::optional<health::HealthDetails> known;
  if (visit.state.parts.health) known = visit.state.parts.health(running);
  Json history = Json::array();
  if (known) {
    for (const health::HealthDetails::Change& change : known->history) {
      history.push_back({{"at", control::time_text(change.at_unix_ms)},
                         {"from", pool::name(change.from)},
                         {"to", pool::name(change.to)},
                         {"reason", change.reason}});
    }
  }
  Json json{{"id", running.id()},
            {"pool", running.pool_name()},
            {"status", pool::name(running.state.load(std::memory_order_relaxed))},
            {"probed_status", pool::name(known ? known->state : pool::BackendState::unknown)},
            {"since", nullptr},
            {"reason", reason_of(visit, *view)},
            {"active_connections", running.in_flight.load(std::memory_order_relaxed)},
            {"total_requests", running.total_requests.load(std::memory_order_relaxed)},
            {"failed_requests", running.failed_requests.load(std::memory_order_relaxed)},
            {"consecutive_failures", known ? known->consecutive_failures : 0},
            {"consecutive_successes", known ? known->consecutive_successes : 0},
            {"last_check", nullptr},
            {"last_error", nullptr},
            {"history", std::move(history)},
            {"ejected", ejected_json(visit, *view)},
            {"ejections", ejections_json(visit, *view)}};
  if (known) json["since"] = control::time_text(known->since_unix_ms);
  if (known && known->last_check) json["last_check"] = to_json(*known->last_check);
  if (known && known->last_ready_check) json["last_ready_check"] = to_json(*known->last_ready_check);
  if (std::optional<pool::LastError::Seen> seen = running.last_error.get()) json["last_error"] = to_json(*seen);
  return json_response(json);
}

}  // namespace weir::api
