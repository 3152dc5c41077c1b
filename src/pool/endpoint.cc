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

FailureRow Endpoint::failed(FailureRow more) {
  constexpr std::uint32_t kMost = 0xfff, kMostCrashes = 0xff;
  std::uint32_t before = failures_.load(std::memory_order_relaxed);
  FailureRow row;
  do {
    row = {.external = std::min((before & kMost) + more.external, kMost),
           .local = std::min((before >> 12 & kMost) + more.local, kMost),
           .crashes = std::min((before >> 24) + more.crashes, kMostCrashes)};
  } while (!failures_.compare_exchange_weak(before, row.crashes << 24 | row.local << 12 | row.external,
                                            std::memory_order_relaxed));
  return row;
}

namespace {

// In units of EjectionState: a trial of another serial is another trial.
std::uint64_t stamped(base::TimePoint time, EjectionState trial) {
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return static_cast<std::uint64_t>(ms) << 16 | trial.serial();
}

}  // namespace

void Endpoint::trial_is_good_at(base::TimePoint then) {
  quiet_trial_.store(stamped(then, ejection()), std::memory_order_relaxed);
}

std::optional<EjectionState> Endpoint::after_quiet_trial(base::TimePoint now) const {
  EjectionState state = ejection();
  std::uint64_t good_at = quiet_trial_.load(std::memory_order_relaxed);
  bool is_of_this = state.phase() == EjectionState::Phase::trial && (good_at & 0xffff) == state.serial();
  if (good_at == 0 || !is_of_this || stamped(now, state) < good_at) return std::nullopt;
  return state.in(now);
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

std::optional<EjectionState> Trial::end(EjectionState next) {
  if (endpoint_ == nullptr || !std::exchange(endpoint_, nullptr)->change(state_, next)) return std::nullopt;
  return next;
}

}  // namespace weir::pool
