#include "worker/backend_tries.h"

#include <algorithm>

namespace weir::worker {

using base::ErrorCode;

bool is_connect_failure(ErrorCode code) {
  return code == ErrorCode::refused || code == ErrorCode::timeout || code == ErrorCode::unreachable ||
         code == ErrorCode::reset || code == ErrorCode::no_backend || code == ErrorCode::protocol;  // of TLS
}

bool BackendTries::is_suspended(std::uint32_t index) const {
  return pool_->eligible[index].endpoint->is_suspended(worker_.reactor.now());
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
  balance::PickContext context{.key_hash = key_hash,
                               .now = worker_.reactor.now(),
                               .random = &worker_.random,
                               .avoid = std::span(tried_.data(), tried_count_)};
  std::uint32_t picked = pool_->strategy->pick(context);
  auto is_passed_over = [this](std::uint32_t index) {
    return is_suspended(index) || has_failed(index) || has_left(index);
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
    if (index != balance::kNone) return index;
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
  responded_ = false;
  note_tried(index);
  ++tries_;
}

void BackendTries::responded(base::Nanoseconds latency) {
  if (!under_way_ || responded_) return;
  responded_ = true;
  pool_->strategy->responded(index_, std::max(latency, base::Nanoseconds(1)), worker_.reactor.now());
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

void BackendTries::connect_failed(const base::Error& error) {
  entry().endpoint->connect_failed(worker_.reactor.now());
  if (worker_.services.connect_failed) worker_.services.connect_failed(backend(), error);
}

}  // namespace weir::worker
