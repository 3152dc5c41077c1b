#include "health/state_machine.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace weir::health {

using pool::BackendState;

namespace {

std::uint32_t at_least_one(std::uint32_t threshold) { return std::max(threshold, 1u); }

// Counts stop at the top instead of starting at zero again.
std::uint32_t add_bounded(std::uint32_t count, std::uint32_t amount) {
  return amount > UINT32_MAX - count ? UINT32_MAX : count + amount;
}

}  // namespace

std::optional<StateChange> StateMachine::report_check(CheckResult result, base::TimePoint now) {
  last_check_ = LastCheck{now, std::move(result)};
  const std::string& probed = last_check_->result.probed;
  if (last_check_->result.ok) return count_success(now);
  return count_failures(1, probed.empty() ? "check" : probed, last_check_->result.error, now);
}

std::optional<StateChange> StateMachine::report_traffic_failure(std::uint32_t failures, std::string_view error,
                                                                base::TimePoint now) {
  return count_failures(failures, "traffic", error, now);
}

std::optional<StateChange> StateMachine::assume(BackendState state, std::string_view reason, base::TimePoint now) {
  against_ = 0;
  consecutive_failures_ = consecutive_successes_ = 0;
  rests_on_first_failures_ = false;
  if (state_ == state) return std::nullopt;
  return change_to(state, std::string(reason), now);
}

std::optional<StateChange> StateMachine::count_success(base::TimePoint now) {
  consecutive_failures_ = 0;
  rests_on_first_failures_ = false;
  consecutive_successes_ = add_bounded(consecutive_successes_, 1);
  if (state_ == BackendState::healthy) {
    against_ = 0;
    return std::nullopt;
  }
  const std::string& probed = last_check_->result.probed;
  std::string_view where = probed.empty() ? "" : ", ";
  if (state_ == BackendState::unknown) {
    return change_to(BackendState::healthy, fmt::format("first check succeeded{}{}", where, probed), now);
  }
  against_ = add_bounded(against_, 1);
  if (against_ < at_least_one(thresholds_.healthy)) return std::nullopt;
  return change_to(BackendState::healthy, fmt::format("{} successful checks in a row{}{}", against_, where, probed),
                   now);
}

std::optional<StateChange> StateMachine::count_failures(std::uint32_t failures, std::string_view source,
                                                        std::string_view error, base::TimePoint now) {
  consecutive_successes_ = 0;
  consecutive_failures_ = add_bounded(consecutive_failures_, failures);
  if (state_ == BackendState::unhealthy) {
    against_ = 0;
    return std::nullopt;
  }
  if (state_ == BackendState::unknown) {
    rests_on_first_failures_ = true;
    return change_to(BackendState::unhealthy, fmt::format("first result is a failure ({}): {}", source, error), now);
  }
  against_ = add_bounded(against_, failures);
  if (against_ < at_least_one(thresholds_.unhealthy)) return std::nullopt;
  return change_to(BackendState::unhealthy,
                   fmt::format("{} failures in a row, the last ({}): {}", against_, source, error), now);
}

bool StateMachine::is_first_verdict_open() const {
  return rests_on_first_failures_ && consecutive_failures_ < at_least_one(thresholds_.unhealthy);
}

StateChange StateMachine::change_to(BackendState to, std::string reason, base::TimePoint now) {
  StateChange change{now, state_, to, std::move(reason)};
  state_ = to;
  since_ = now;
  against_ = 0;
  if (history_.size() == kHistoryLimit) history_.pop_front();
  history_.push_back(change);
  return change;
}

}  // namespace weir::health
