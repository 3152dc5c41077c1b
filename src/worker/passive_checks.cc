#include "worker/passive_checks.h"

#include <fmt/format.h>
#include <new>

#include "config/grpc_statuses.h"
#include "worker/snapshot.h"
#include "worker/worker.h"

namespace weir::worker {

using pool::EjectionReason;
using pool::EjectionState;

namespace {

// The failure itself: "status 503", "connect: Connection refused".
std::string last_failure(const Judgement& judgement, const TryOutcome& outcome) {
  if (judgement.reason == EjectionReason::status) return fmt::format("status {}", outcome.status);
  if (judgement.reason == EjectionReason::grpc_status) {
    unsigned code = outcome.grpc_status.value_or(0);
    return fmt::format("grpc-status {} ({})", code,
                       code < config::kGrpcStatuses.size() ? config::kGrpcStatuses[code] : "?");
  }
  return base::cause(outcome.error);
}

base::TimePoint end_of_ejection(Worker& worker, const PoolSnapshot& pool, EjectionState before) {
  const config::EjectionTimes& times = pool.config->passive.ejection;
  base::TimePoint now = worker.reactor.now();
  return now + pool::ejection_time(before.count(now) + 1, times.base, times.max, worker.random.unit());
}

// `make_detail` says why. The control thread finds out by itself, a little later, where there is no memory for a
// message.
template <typename MakeDetail>
void tell(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, EjectionNews news,
          MakeDetail make_detail) {
  if (!worker.services.ejection) return;
  try {
    news.endpoint = entry.endpoint;
    news.pool = pool.config->name;
    news.runtime = pool.runtime;
    news.detail = make_detail();
    worker.services.ejection(std::move(news));
  } catch (const std::bad_alloc&) {
    // That is it.
  }
}

// Whether any detector asks for failures of that kind.
bool matters(const config::Passive& passive, Finding finding) {
  if (passive.error_rate.enabled || passive.success_rate.enabled) return true;
  return finding == Finding::external_failure ? passive.consecutive_failures > 0
                                              : passive.consecutive_local_failures > 0;
}

void end_trial(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial,
               const Judgement& judgement, const TryOutcome& outcome) {
  if (!matters(pool.config->passive, judgement.finding)) return end_trial_well(worker, pool, entry, trial);
  auto after = trial.fail(worker.reactor.now(), end_of_ejection(worker, pool, trial.state()));
  if (!after) return;
  tell(worker, pool, entry, {.kind = EjectionNews::Kind::out_again, .state = *after, .reason = judgement.reason},
       [&] { return "its trial failed: " + last_failure(judgement, outcome); });
}

}  // namespace

void end_trial_well(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial) {
  if (auto after = trial.succeed(worker.reactor.now())) {
    tell(worker, pool, entry, {.kind = EjectionNews::Kind::returned, .state = *after},
         [] { return std::string("its trial succeeded"); });
  }
}

void note_failure(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial,
                  const Judgement& judgement, const TryOutcome& outcome) {
  if (trial.is_under_way()) return end_trial(worker, pool, entry, trial, judgement, outcome);
  pool::Endpoint& endpoint = *entry.endpoint;
  const config::Passive& passive = pool.config->passive;
  const bool is_external = judgement.finding == Finding::external_failure;
  const std::uint32_t most = is_external ? passive.consecutive_failures : passive.consecutive_local_failures;
  EjectionState before = endpoint.ejection();
  if (most == 0 || !before.is_in()) return;
  pool::FailureRow row = endpoint.failed(
      {.external = is_external ? 1u : 0u, .local = is_external ? 0u : 1u, .crashes = judgement.like_a_crash ? 1u : 0u});
  if ((is_external ? row.external : row.local + row.crashes) < most) return;
  if (!pool.runtime->ejections.take(judgement.reason)) {
    endpoint.succeeded();  // a prevented ejection counts once for each row
    return;
  }
  EjectionState after = before.ejected(worker.reactor.now(), end_of_ejection(worker, pool, before));
  if (!endpoint.change(before, after)) {
    pool.runtime->ejections.give_back();
    return;
  }
  tell(worker, pool, entry, {.kind = EjectionNews::Kind::ejected, .state = after, .reason = judgement.reason}, [&] {
    return fmt::format("{} failures in a row, the last: {}", is_external ? row.external : row.local,
                       last_failure(judgement, outcome));
  });
}

}  // namespace weir::worker
