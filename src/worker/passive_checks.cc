#include "worker/passive_checks.h"

#include <algorithm>
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
// message, and takes a place of the quota then.
template <typename MakeDetail>
void tell(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, EjectionNews news,
          MakeDetail make_detail) {
  if (!worker.services.ejection) return;
  try {
    news.endpoint = entry.endpoint;
    news.pool = pool.config;
    news.runtime = pool.runtime;
    news.detail = make_detail();
    worker.services.ejection(std::move(news));
  } catch (const std::bad_alloc&) {
    if (news.kind == EjectionNews::Kind::ejected) pool.runtime->ejections.give_back();
  }
}

// Whether it is a failure that any detector asks for.
bool is_asked_for(const config::Passive& passive, const Judgement& judgement) {
  if (!judgement.is_failure()) return false;
  if (passive.error_rate.enabled || passive.success_rate.enabled) return true;
  return judgement.finding == Finding::external_failure ? passive.consecutive_failures > 0
                                                        : passive.consecutive_local_failures > 0;
}

// So many are asked whether they fail as well.
constexpr std::size_t kOthersAsked = 64;

// Whether more than half of the others are on their way to `most` bad answers in a row.
bool most_others_fail(Worker& worker, const PoolSnapshot& pool, const pool::Endpoint& endpoint, std::uint32_t most) {
  const std::size_t count = pool.eligible.size(), asked = std::min(count, kOthersAsked);
  std::size_t at = asked < count ? worker.random.below(count) : 0, others = 0, failing = 0;
  for (std::size_t i = 0; i < asked; ++i, at = at + 1 == count ? 0 : at + 1) {
    const pool::Endpoint& other = *pool.eligible[at].endpoint;
    if (&other == &endpoint) continue;
    ++others;
    failing += other.bad_answers(pool.failure_rules) >= (most + 1) / 2 ? 1 : 0;
  }
  return 2 * failing > others;
}

// It gets new work where nothing but an ejection is in the way.
bool may_be_ejected(const pool::BackendEntry& entry) {
  pool::BackendState state = entry.backend->state.load(std::memory_order_relaxed);
  return state == pool::BackendState::healthy || state == pool::BackendState::unknown;
}

}  // namespace

void end_trial_well(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial) {
  if (auto after = trial.succeed(worker.reactor.now())) {
    tell(worker, pool, entry, {.kind = EjectionNews::Kind::returned, .state = *after},
         [] { return std::string("its trial succeeded"); });
  }
}

bool end_trial(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial,
               const TryOutcome& outcome, TryProgress progress, const config::Pool* ejected_by) {
  const config::Passive& passive = pool.config->passive;
  Judgement judgement = judge(outcome, progress, passive.failure);
  bool fails = is_asked_for(passive, judgement);
  if (!fails && ejected_by != nullptr) {
    Judgement by_others = judge(outcome, progress, ejected_by->passive.failure);
    fails = is_asked_for(ejected_by->passive, by_others);
    if (fails) judgement = by_others;
  }
  if (!fails) {
    if (judgement.finding == Finding::local_failure) {
      trial.abandon();
    } else {
      end_trial_well(worker, pool, entry, trial);
    }
    return true;
  }
  auto after = trial.fail(worker.reactor.now(), end_of_ejection(worker, pool, trial.state()));
  if (!after) return false;
  tell(worker, pool, entry, {.kind = EjectionNews::Kind::out_again, .state = *after, .reason = judgement.reason},
       [&] { return "its trial failed: " + last_failure(judgement, outcome); });
  return true;
}

void note_failure(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, const Judgement& judgement,
                  const TryOutcome& outcome) {
  pool::Endpoint& endpoint = *entry.endpoint;
  const config::Passive& passive = pool.config->passive;
  const bool is_external = judgement.finding == Finding::external_failure;
  const std::uint32_t most = is_external ? passive.consecutive_failures : passive.consecutive_local_failures;
  EjectionState before = endpoint.ejection();
  if (most == 0 || !before.is_in() || !may_be_ejected(entry)) return;
  pool::FailureRow row = endpoint.failed(
      {.external = is_external ? 1u : 0u, .local = is_external ? 0u : 1u, .crashes = judgement.like_a_crash ? 1u : 0u},
      pool.failure_rules);
  if ((is_external ? row.external : row.local + row.crashes) < most) return;
  if (is_external && most_others_fail(worker, pool, endpoint, most)) {
    const bool is_whole = row.external % most == 0 && row.external < pool::FailureRow::kMost;
    if (is_whole) pool.runtime->ejections.count_prevented(judgement.reason);
    return;
  }
  if (!pool.runtime->ejections.take(judgement.reason)) {
    endpoint.forget_failures();  // a prevented ejection counts once for each row
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
