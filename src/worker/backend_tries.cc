#include "worker/backend_tries.h"

#include <algorithm>

#include "http/method.h"
#include "worker/passive_checks.h"

namespace weir::worker {

using base::ErrorCode;

bool is_connect_failure(ErrorCode code) {
  return code == ErrorCode::refused || code == ErrorCode::timeout || code == ErrorCode::unreachable ||
         code == ErrorCode::reset || code == ErrorCode::no_backend || code == ErrorCode::protocol;  // of TLS
}

// Connections and flows are of use as trials as they come: nothing else would ever be.
bool BackendTries::is_idempotent() const { return request_ == nullptr || http::is_idempotent(request_->method); }

bool BackendTries::is_held_back(std::uint32_t index) {
  const pool::BackendEntry& entry = pool_->eligible[index];
  pool::EjectionState state = entry.endpoint->ejection();
  if (state.is_in() || !pool_->config->passive.enabled) [[likely]]
    return false;
  bool is_ejected = state.phase() == pool::EjectionState::Phase::ejected;
  if (is_ejected && state.serial() == entry.used_though_ejected) return false;
  return !trial_.begin(*entry.endpoint, is_idempotent(), worker_.reactor.now());
}

// The state is set a moment before the snapshot without the backend reaches the worker. In a degraded pool such
// backends are there on purpose.
bool BackendTries::has_failed(std::uint32_t index) const {
  if (pool_->degraded) return false;
  return pool_->eligible[index].backend->state.load(std::memory_order_relaxed) == pool::BackendState::unhealthy;
}

// Likewise; and work of a listener that is gone goes on with the backends it had.
bool BackendTries::has_left(std::uint32_t index) const {
  if (pool_->degraded) return false;
  pool::BackendState state = pool_->eligible[index].backend->state.load(std::memory_order_relaxed);
  return state == pool::BackendState::draining || state == pool::BackendState::disabled;
}

bool BackendTries::is_cut_off(std::uint32_t index) const {
  return has_left(index) && pool_->eligible[index].backend->cut_off.load(std::memory_order_relaxed);
}

// Nobody would end a second try on a backend whose time to drain is over. A first one belongs to a listener that is
// gone, and ends with that at the latest.
bool BackendTries::is_barred(std::uint32_t index) const {
  return (has_failed(index) && pool_->config->min_healthy == 0) || (tries_ > 0 && is_cut_off(index));
}

std::uint32_t BackendTries::pick(std::uint64_t key_hash) {
  trial_.abandon();
  balance::PickContext context{.key_hash = key_hash,
                               .now = worker_.reactor.now(),
                               .random = &worker_.random,
                               .avoid = std::span(tried_.data(), tried_count_)};
  std::uint32_t picked = pool_->strategy->pick(context);
  auto is_passed_over = [this](std::uint32_t index) {
    return has_failed(index) || has_left(index) || is_held_back(index);
  };
  if (picked == balance::kNone || !is_passed_over(picked)) return picked;
  std::uint32_t nothing_else = is_barred(picked) ? balance::kNone : picked;
  std::array<std::uint32_t, kMaxTried> avoid;
  std::copy_n(tried_.begin(), tried_count_, avoid.begin());
  for (std::size_t count = tried_count_; count < kMaxTried;) {
    avoid[count++] = picked;
    context.avoid = std::span(avoid.data(), count);
    picked = pool_->strategy->pick(context);
    if (picked == balance::kNone || std::ranges::find(context.avoid, picked) != context.avoid.end()) break;
    if (!is_passed_over(picked)) return picked;
    if (nothing_else == balance::kNone && !is_barred(picked)) nothing_else = picked;
  }
  return nothing_else;
}

std::uint32_t BackendTries::pick_for_client(std::uint64_t address_hash) {
  if (pool_->method != nullptr && tried_count_ == 0) {
    std::uint32_t index = pool_->method->find({.address_hash = address_hash}).index;
    if (index != balance::kNone && !is_held_back(index)) return index;
  }
  return pick(address_hash);
}

base::Error BackendTries::none_is_eligible() const {
  const char* others = "every backend that took requests has become unhealthy, has left or was tried already";
  return {.code = base::ErrorCode::no_backend, .what = pool_->why_none.empty() ? others : pool_->why_none.c_str()};
}

void BackendTries::begin(std::uint32_t index) {
  index_ = index;
  pool::Backend& chosen = backend();
  chosen.in_flight.fetch_add(1, std::memory_order_relaxed);
  pool_->strategy->started(index);
  under_way_ = true;
  responded_ = connect_failed_ = false;
  if (trial_.is_under_way()) [[unlikely]] {
    if (!trial_.is_of(*entry().endpoint)) trial_.abandon();
    if (carried_ == Carried::flow) trial_is_quiet();
  }
  note_tried(index);
  ++tries_;
}

void BackendTries::responded(base::Nanoseconds latency) {
  if (!under_way_ || responded_) return;
  responded_ = true;
  pool_->strategy->responded(index_, std::max(latency, base::Nanoseconds(1)), worker_.reactor.now());
  if (pool_->config->passive.enabled) count_success(base::Nanoseconds(0));
}

void BackendTries::end(const TryOutcome& outcome) {
  if (!under_way_) return;
  under_way_ = false;
  pool::Backend& chosen = backend();
  chosen.in_flight.fetch_sub(1, std::memory_order_relaxed);
  bool failed = outcome.how == TryOutcome::How::failed;
  base::Nanoseconds latency = failed ? base::Nanoseconds(0) : outcome.latency;
  // Nothing is learnt of a backend that had no time to answer, like when its client left.
  if (!failed && (responded_ || latency == base::Nanoseconds(0))) latency = balance::kToldBefore;
  pool_->strategy->finished(index_, latency, worker_.reactor.now());
  if (failed) chosen.count_failure(outcome.error, worker_.unix_ms());
  const config::Passive& passive = pool_->config->passive;
  if (!passive.enabled) return;
  // Nearly all of them.
  bool is_plain = outcome.how == TryOutcome::How::answered && !outcome.grpc_status && carried_ == Carried::request;
  if (is_plain && !passive.failure.status_set.contains(outcome.status)) return count_success(outcome.backend_time);
  learn(outcome);
}

void BackendTries::count_success(base::Nanoseconds latency) {
  entry().endpoint->succeeded();
  if (pool::TrafficCells* cells = backend().traffic.of(worker_.index)) {
    cells->count(cells->succeeded);
    if (latency > base::Nanoseconds(0)) cells->latency.add(latency);
  }
  if (trial_.is_under_way()) [[unlikely]]
    end_trial_well(worker_, *pool_, entry(), trial_);
}

void BackendTries::learn(const TryOutcome& outcome) {
  TryProgress progress{.carried = carried_,
                       .connect_failed = connect_failed_,
                       .responded = responded_ || outcome.latency > base::Nanoseconds(0)};
  Judgement judgement = judge(outcome, progress, pool_->config->passive.failure);
  if (judgement.finding == Finding::success) {
    count_success(carried_ == Carried::request ? outcome.backend_time : base::Nanoseconds(0));
  } else if (judgement.is_failure()) {
    if (pool::TrafficCells* cells = backend().traffic.of(worker_.index)) cells->count(cells->failed);
    note_failure(worker_, *pool_, entry(), trial_, judgement, outcome);
  } else if (!outcome.stale) {  // then its repetition on the same backend goes on with the trial
    trial_.abandon();
  }
}

void BackendTries::judge_trial(std::uint16_t status, bool may_fail_later) {
  if (pool_->config->passive.failure.status_set.contains(status)) return;  // end() follows
  if (may_fail_later) return trial_is_quiet();
  end_trial_well(worker_, *pool_, entry(), trial_);
}

// Nothing bad is heard of it: that is all that there may be for long.
void BackendTries::trial_is_quiet() {
  constexpr auto kPatience = std::chrono::seconds(1);
  entry().endpoint->trial_is_good_at(worker_.reactor.now() + kPatience);
}

bool BackendTries::retry(const base::Error& error, const RetryFacts& work) {
  Retry verdict = retry_after(error, work);
  repeats_ = verdict == Retry::same_backend;
  if (verdict == Retry::no) return false;
  if (verdict == Retry::another_backend) {
    const config::Retries& retries = pool_->config->retries;
    if (retries_ >= retries.attempts) return false;
    pool::RetryBudget& budget = pool_->runtime->retry_budget;
    if (!budget.try_retry(worker_.reactor.now(), retries.budget, retries.budget_floor)) return false;
    ++retries_;
  }
  pool_->runtime->retries.add(worker_.index);
  return true;
}

void BackendTries::connected() {
  if (carried_ == Carried::connection && trial_.is_under_way()) [[unlikely]]
    trial_is_quiet();
}

void BackendTries::connect_failed(const base::Error& error) {
  connect_failed_ = true;
  if (worker_.services.connect_failed && is_connect_failure(error.code)) {
    worker_.services.connect_failed(backend(), error);
  }
}

}  // namespace weir::worker
