#include "pool/endpoint.h"

#include <algorithm>

#include "base/hash.h"

namespace weir::pool {

std::size_t EndpointIdentity::hash() const { return base::mix(base::hash_text(host) ^ port); }

bool operator==(const EndpointIdentity& one, const EndpointIdentity& other) {
  return one.port == other.port && one.host == other.host &&
         (one.protocol == other.protocol || *one.protocol == *other.protocol);
}

bool Endpoint::change(EjectionState from, EjectionState to) {
  std::uint64_t expected = from.packed();
  if (!ejection_.compare_exchange_strong(expected, to.packed(), std::memory_order_acq_rel)) return false;
  failures_.store(0, std::memory_order_relaxed);
  return true;
}

namespace {

constexpr std::uint32_t kMost = FailureRow::kMost, kMostCrashes = FailureRow::kMostCrashes;

FailureRow rows_of(std::uint64_t packed) {
  return {.external = static_cast<std::uint32_t>(packed & kMost),
          .local = static_cast<std::uint32_t>(packed >> 12 & kMost),
          .crashes = static_cast<std::uint32_t>(packed >> 24 & kMostCrashes)};
}

std::uint32_t rules_of(std::uint64_t packed) { return static_cast<std::uint32_t>(packed >> 32); }

// Without bad answers there are no rules that they are by.
std::uint64_t packed(const FailureRow& row, std::uint32_t rules) {
  std::uint64_t by = row.external > 0 ? rules : 0;
  return by << 32 | std::uint64_t{row.crashes} << 24 | std::uint64_t{row.local} << 12 | row.external;
}

}  // namespace

FailureRow Endpoint::failed(FailureRow more, std::uint32_t rules) {
  std::uint64_t before = failures_.load(std::memory_order_relaxed), after = 0;
  FailureRow row;
  do {
    row = rows_of(before);
    const bool is_of_others = more.external > 0 && rules_of(before) != rules;
    row = {.external = std::min((is_of_others ? 0 : row.external) + more.external, kMost),
           .local = std::min(row.local + more.local, kMost),
           .crashes = std::min(row.crashes + more.crashes, kMostCrashes)};
    after = packed(row, more.external > 0 ? rules : rules_of(before));
  } while (!failures_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return row;
}

void Endpoint::end_rows(std::uint32_t rules) {
  std::uint64_t before = failures_.load(std::memory_order_relaxed), after = 0;
  do {
    FailureRow kept{.external = rules_of(before) == rules ? 0 : rows_of(before).external};
    after = packed(kept, rules_of(before));
  } while (after != before && !failures_.compare_exchange_weak(before, after, std::memory_order_relaxed));
}

std::uint32_t Endpoint::bad_answers(std::uint32_t rules) const {
  std::uint64_t now = failures_.load(std::memory_order_relaxed);
  return rules_of(now) == rules ? rows_of(now).external : 0;
}

namespace {

// In units of EjectionState: a trial of another serial is another trial.
std::uint64_t stamped(base::TimePoint time, EjectionState trial) {
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return static_cast<std::uint64_t>(ms) << 16 | trial.serial();
}

}  // namespace

void Endpoint::trial_is_good_at(base::TimePoint then, EjectionState trial) {
  quiet_trial_.store(stamped(then, trial), std::memory_order_relaxed);
}

std::optional<EjectionState> Endpoint::after_patience(base::TimePoint now) const {
  EjectionState state = ejection();
  if (state.phase() != EjectionState::Phase::trial) return std::nullopt;
  std::uint64_t good_at = quiet_trial_.load(std::memory_order_relaxed);
  if (good_at != 0 && (good_at & 0xffff) == state.serial()) {
    return stamped(now, state) < good_at ? std::nullopt : std::optional(state.in(now));
  }
  return now - state.when() < EjectionState::kTrialPatience ? std::nullopt : std::optional(state.abandoned());
}

bool Trial::begin(Endpoint& endpoint, bool is_idempotent, base::TimePoint now) {
  EjectionState half_open = endpoint.ejection();
  if (!half_open.takes_trial(is_idempotent, now)) return false;
  EjectionState trial = half_open.trial(now);
  if (!endpoint.change(half_open, trial)) return false;
  abandon();
  endpoint_ = &endpoint;
  state_ = trial;
  return true;
}

template <typename Next>
std::optional<EjectionState> Trial::end(Next next) {
  if (endpoint_ == nullptr) return std::nullopt;
  Endpoint& endpoint = *std::exchange(endpoint_, nullptr);
  for (EjectionState before = state_;; before = endpoint.ejection()) {
    if (!before.is_tried() || !before.is_of_ejection_of(state_)) return std::nullopt;
    EjectionState after = next(before);
    if (endpoint.change(before, after)) return after;
  }
}

std::optional<EjectionState> Trial::succeed(base::TimePoint now) {
  return end([now](EjectionState before) { return before.in(now); });
}

std::optional<EjectionState> Trial::fail(base::TimePoint now, base::TimePoint until) {
  return end([now, until](EjectionState before) { return before.ejected(now, until); });
}

}  // namespace weir::pool
