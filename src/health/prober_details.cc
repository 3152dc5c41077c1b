// The prober's knowledge of a backend, as others see it.
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "health/prober_core.h"

namespace weir::health {

using pool::BackendState;

BackendState Prober::Core::Watched::state() const {
  bool is_alive = machine.state() == BackendState::healthy;
  bool is_held_back = ready && ready->state() == BackendState::unhealthy;
  return is_alive && is_held_back ? BackendState::not_ready : machine.state();
}

bool Prober::Core::Watched::is_changing() const {
  return machine.state() == BackendState::unknown || machine.is_changing() || (ready && ready->is_changing());
}

// The newest change of the machine that decides.
std::string Prober::Core::Watched::reason() const {
  if (state() == BackendState::not_ready) return "not ready: " + ready->history().back().reason;
  if (machine.history().empty()) return {};
  bool by_ready = ready && state() == BackendState::healthy && ready->history().size() > 1 &&
                  ready->history().back().at > machine.history().back().at;
  return by_ready ? "ready: " + ready->history().back().reason : machine.history().back().reason;
}

std::optional<HealthDetails> Prober::Core::details(const pool::Backend& backend) const {
  std::int64_t unix_now = base::unix_milliseconds();
  base::TimePoint now = base::now();
  auto unix_ms = [=](base::TimePoint at) {
    return unix_now - std::chrono::duration_cast<std::chrono::milliseconds>(now - at).count();
  };
  auto check_of = [&](const StateMachine& machine) -> std::optional<HealthDetails::Check> {
    if (!machine.last_check()) return std::nullopt;
    return HealthDetails::Check{unix_ms(machine.last_check()->at), machine.last_check()->result};
  };
  std::lock_guard lock(mutex_);
  const Watched* watched = find(backend.slot());
  if (watched == nullptr || watched->backend.get() != &backend) return std::nullopt;
  const StateMachine& machine = watched->machine;
  HealthDetails details{.state = watched->state(),
                        .since_unix_ms = unix_ms(machine.since()),
                        .consecutive_failures = machine.consecutive_failures(),
                        .consecutive_successes = machine.consecutive_successes(),
                        .last_check = check_of(machine),
                        .last_ready_check = {},
                        .history = {},
                        .reason = watched->reason()};
  for (const StateChange& change : machine.history()) {
    details.history.push_back({unix_ms(change.at), change.from, change.to, change.reason});
  }
  if (!watched->ready) return details;
  details.last_ready_check = check_of(*watched->ready);
  if (machine.state() == BackendState::healthy) {
    details.since_unix_ms = unix_ms(std::max(machine.since(), watched->ready->since()));
  }
  auto named = [](BackendState state) { return state == BackendState::unhealthy ? BackendState::not_ready : state; };
  std::vector<HealthDetails::Change> of_ready;
  for (const StateChange& change : watched->ready->history()) {
    of_ready.push_back({unix_ms(change.at), named(change.from), named(change.to), "ready: " + change.reason});
  }
  std::vector<HealthDetails::Change> of_both;
  auto at = &HealthDetails::Change::at_unix_ms;
  std::ranges::merge(details.history, of_ready, std::back_inserter(of_both), {}, at, at);
  details.history = std::move(of_both);
  return details;
}

}  // namespace weir::health
