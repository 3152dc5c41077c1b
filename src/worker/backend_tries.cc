#include "worker/backend_tries.h"

#include <algorithm>

#include "worker/passive_checks.h"

namespace weir::worker {

using base::ErrorCode;

namespace {

// A trial that has got so far that there may be nothing more to hear is good after that.
constexpr auto kQuietFor = std::chrono::seconds(1);

}  // namespace

bool is_connect_failure(ErrorCode code) {
  return code == ErrorCode::refused || code == ErrorCode::timeout || code == ErrorCode::unreachable ||
         code == ErrorCode::reset || code == ErrorCode::no_backend || code == ErrorCode::protocol;  // of TLS
}

bool BackendTries::is_held_back(std::uint32_t index) {
  const pool::BackendEntry& entry = pool_->entry(index);
  pool::EjectionState state = entry.endpoint->ejection();
  if (state.is_in() || !pool_->config->passive.enabled) [[likely]]
    return false;
  if (state.phase() == pool::EjectionState::Phase::ejected) return state.serial() != entry.used_though_ejected;
  if (trial_.begin(*entry.endpoint, is_idempotent_, worker_.reactor.now())) return false;
  return entry.used_though_ejected == pool::BackendEntry::kNotEjected;
}

bool BackendTries::was_tried(std::uint32_t index) const {
  std::span<const std::uint32_t> tried(tried_.data(), tried_count_);
  return std::ranges::find(tried, index) != tried.end();
}

std::uint32_t BackendTries::pick_trial() {
  const std::size_t count = pool_->trials.size(), asked = std::min(count, kTrialsAsked);
  std::size_t at = asked < count ? worker_.random.below(count) : 0;
  for (std::size_t i = 0; i < asked; ++i, at = at + 1 == count ? 0 : at + 1) {
    const auto index = static_cast<std::uint32_t>(pool_->eligible.size() + at);
    if (was_tried(index) || has_failed(index) || has_left(index)) continue;
    if (trial_.begin(*pool_->trials[at].endpoint, is_idempotent_, worker_.reactor.now())) return index;
  }
  return balance::kNone;
}

// The state is set a moment before the snapshot without the backend reaches the worker. In a degraded pool such
// backends are there on purpose.
bool BackendTries::has_failed(std::uint32_t index) const {
  if (pool_->degraded) return false;
  return pool_->entry(index).backend->state.load(std::memory_order_relaxed) == pool::BackendState::unhealthy;
}

// Likewise; and work of a listener that is gone goes on with the backends it had.
bool BackendTries::has_left(std::uint32_t index) const {
  if (pool_->degraded) return false;
  pool::BackendState state = pool_->entry(index).backend->state.load(std::memory_order_relaxed);
  return state == pool::BackendState::draining || state == pool::BackendState::disabled;
}

bool BackendTries::is_cut_off(std::uint32_t index) const {
  return has_left(index) && pool_->entry(index).backend->cut_off.load(std::memory_order_relaxed);
}

// Nobody would end a second try on a backend whose time to drain is over. A first one belongs to a listener that is
// gone, and ends with that at the latest.
bool BackendTries::is_barred(std::uint32_t index) const {
  return (has_failed(index) && pool_->config->min_healthy == 0) || (tries_ > 0 && is_cut_off(index));
}

std::uint32_t BackendTries::pick(std::uint64_t key_hash) {
  trial_.abandon();
  if (!pool_->trials.empty()) [[unlikely]] {
    if (std::uint32_t trial = pick_trial(); trial != balance::kNone) return trial;
  }
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
  if (!pool_->is_trial(index)) pool_->strategy->started(index);
  under_way_ = true;
  responded_ = connect_failed_ = false;
  if (trial_.is_under_way()) [[unlikely]] {
    if (!trial_.is_of(*entry().endpoint)) trial_.abandon();
    if (carried_ == Carried::flow) trial_is_quiet(kQuietFor);
  }
  note_tried(index);
  ++tries_;
}

void BackendTries::responded(base::Nanoseconds latency) {
  if (!under_way_ || responded_) return;
  responded_ = true;
  if (!pool_->is_trial(index_)) {
    pool_->strategy->responded(index_, std::max(latency, base::Nanoseconds(1)), worker_.reactor.now());
  }
  if (!pool_->config->passive.enabled) return;
  count_success(base::Nanoseconds(0));
  if (trial_.is_under_way()) [[unlikely]]
    end_trial_well(worker_, *pool_, entry(), trial_);
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
  if (!pool_->is_trial(index_)) pool_->strategy->finished(index_, latency, worker_.reactor.now());
  if (failed) chosen.count_failure(outcome.error, worker_.unix_ms());
  const config::Passive& passive = pool_->config->passive;
  if (!passive.enabled) return;
  // Nearly all of them.
  bool is_plain = outcome.how == TryOutcome::How::answered && !outcome.grpc_status && carried_ == Carried::request;
  if (is_plain && !trial_.is_under_way() && !passive.failure.status_set.contains(outcome.status)) {
    return count_success(outcome.backend_time);
  }
  learn(outcome);
}

void BackendTries::count_success(base::Nanoseconds latency) {
  entry().endpoint->succeeded(carried_ == Carried::request ? pool_->failure_rules : pool::Endpoint::kNoAnswers);
  if (pool::TrafficCells* cells = backend().traffic.of(worker_.index)) {
    cells->count(cells->succeeded);
    if (latency > base::Nanoseconds(0)) backend().traffic.add_latency(*cells, latency);
  }
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
  }
  if (trial_.is_under_way()) [[unlikely]]
    return learn_of_trial(outcome, progress, judgement);
  if (judgement.is_failure()) note_failure(worker_, *pool_, entry(), judgement, outcome);
}

void BackendTries::learn_of_trial(const TryOutcome& outcome, TryProgress progress, const Judgement& judgement) {
  if (judgement.finding == Finding::nothing) {
    if (!outcome.stale) trial_.abandon();  // else its repetition on the same backend goes on with the trial
    return;
  }
  bool has_ended = end_trial(worker_, *pool_, entry(), trial_, outcome, progress, ejected_by());
  if (!has_ended && judgement.is_failure()) note_failure(worker_, *pool_, entry(), judgement, outcome);
}

// The pool whose rules have ejected the present backend, where they are known.
const config::Pool* BackendTries::ejected_by() const {
  return pool_->is_trial(index_) ? pool_->ejected_by[index_ - pool_->eligible.size()].get() : nullptr;
}

void BackendTries::judge_trial(std::uint16_t status, bool may_fail_later) {
  const config::Pool* others = ejected_by();
  bool is_failure = pool_->config->passive.failure.status_set.contains(status) ||
                    (others != nullptr && others->passive.failure.status_set.contains(status));
  if (is_failure) return;  // end() follows
  if (may_fail_later) return trial_is_quiet(kQuietFor);
  end_trial_well(worker_, *pool_, entry(), trial_);
}

// Nothing bad is heard of it: that is all that there may be for long.
void BackendTries::trial_is_quiet(base::Nanoseconds patience) { trial_.is_good_at(worker_.reactor.now() + patience); }

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
    trial_is_quiet(kQuietFor);
}

void BackendTries::connect_failed(const base::Error& error) {
  connect_failed_ = true;
  if (worker_.services.connect_failed && is_connect_failure(error.code)) {
    worker_.services.connect_failed(backend(), error);
  }
}

}  // namespace weir::worker
