// Rise and fall of one backend: turns results of probes and connection failures of live traffic into a state.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "health/check_result.h"
#include "pool/backend.h"

namespace weir::health {

// Results in a row that change a state; 0 counts as 1.
struct Thresholds {
  std::uint32_t healthy = 2;
  std::uint32_t unhealthy = 3;
};

struct StateChange {
  base::TimePoint at{};
  pool::BackendState from = pool::BackendState::unknown;
  pool::BackendState to = pool::BackendState::unknown;
  std::string reason;  // for people: "3 failures in a row: connect: refused"
};

struct LastCheck {
  base::TimePoint at{};
  CheckResult result;
};

// The state is unknown, healthy or unhealthy; draining and disabled are an operator's, laid over it by control.
//
// - unknown means that nothing was ever found out: the first result decides at once, a success for healthy, a failure
//   for unhealthy. A backend that never answered gets no traffic for the length of a threshold, and a good one starts
//   after one probe. A failure that decided alone is looked at again soon: its backend may just be starting.
// - From then on `healthy` successes in a row make an unhealthy backend healthy, `unhealthy` failures in a row make a
//   healthy one unhealthy. A result of the other kind starts the count again.
// - A connection of live traffic that fails counts as a failed probe. A success of live traffic counts nothing: it
//   says less than the probe that the configuration asks for.
//
// Pure: time is an argument. Not thread-safe. A few hundred bytes; allocates only for a change and for error texts.
class StateMachine {
 public:
  static constexpr std::size_t kHistoryLimit = 16;

  StateMachine(Thresholds thresholds, base::TimePoint now) : thresholds_(thresholds), since_(now) {}

  // A probe ended. The change of state that follows, if any.
  std::optional<StateChange> report_check(CheckResult result, base::TimePoint now);
  // `failures` connections of live traffic (> 0) failed, with `error` as the reason of one of them.
  std::optional<StateChange> report_traffic_failure(std::uint32_t failures, std::string_view error,
                                                    base::TimePoint now);
  // Healthy or unhealthy without a probe: checks are off, or there is no address to probe. Forgets the counts.
  std::optional<StateChange> assume(pool::BackendState state, std::string_view reason, base::TimePoint now);
  // New thresholds hold from the next result on.
  void set_thresholds(Thresholds thresholds) { thresholds_ = thresholds; }

  pool::BackendState state() const { return state_; }
  base::TimePoint since() const { return since_; }
  // True when the next probe should come at the fast interval: results disagree with the state, or it rests on first
  // failures that are fewer than `unhealthy`.
  bool is_changing() const { return against_ > 0 || is_first_verdict_open(); }
  // Failed probes and failed connections since the last successful probe.
  std::uint32_t consecutive_failures() const { return consecutive_failures_; }
  std::uint32_t consecutive_successes() const { return consecutive_successes_; }
  // Nothing before the first probe has ended.
  const std::optional<LastCheck>& last_check() const { return last_check_; }
  // The last kHistoryLimit changes, oldest first.
  const std::deque<StateChange>& history() const { return history_; }

 private:
  std::optional<StateChange> count_failures(std::uint32_t failures, std::string_view source, std::string_view error,
                                            base::TimePoint now);
  std::optional<StateChange> count_success(base::TimePoint now);
  bool is_first_verdict_open() const;
  StateChange change_to(pool::BackendState to, std::string reason, base::TimePoint now);

  Thresholds thresholds_;
  pool::BackendState state_ = pool::BackendState::unknown;
  base::TimePoint since_;
  std::uint32_t against_ = 0;             // results in a row that speak against the state
  bool rests_on_first_failures_ = false;  // unhealthy since the first result, and no success since
  std::uint32_t consecutive_failures_ = 0;
  std::uint32_t consecutive_successes_ = 0;
  std::optional<LastCheck> last_check_;
  std::deque<StateChange> history_;
};

}  // namespace weir::health
