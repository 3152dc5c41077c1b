// Probes all backends from one thread of its own and keeps the health of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "health/agent_news.h"
#include "health/simultaneous_failures.h"
#include "health/state_machine.h"
#include "health/watched_backend.h"
#include "metrics/registry.h"
#include "pool/backend.h"
#include "tls/client_context.h"

namespace weir::health {

// A backend's health became another. `to` is healthy, unhealthy or not_ready.
struct Transition {
  std::shared_ptr<pool::Backend> backend;
  pool::BackendState from = pool::BackendState::unknown;
  pool::BackendState to = pool::BackendState::unknown;
  std::string reason;
};

// The health of one backend as the API shows it. Times are milliseconds since 1970-01-01 UTC.
struct HealthDetails {
  struct Change {
    std::int64_t at_unix_ms = 0;
    pool::BackendState from, to;
    std::string reason;
  };
  struct Check {
    std::int64_t at_unix_ms = 0;
    CheckResult result;
  };
  pool::BackendState state = pool::BackendState::unknown;
  std::int64_t since_unix_ms = 0;
  std::uint32_t consecutive_failures = 0;
  std::uint32_t consecutive_successes = 0;
  std::optional<Check> last_check;
  std::optional<Check> last_ready_check;  // where readiness is asked for
  std::vector<Change> history;            // oldest first
  std::string reason;                     // of `state`; empty: nothing was found out yet
};

struct ProberOptions {
  std::size_t max_in_flight = 512;        // probes at once; more wait their turn
  metrics::Registry* registry = nullptr;  // outlives the prober; null: no metrics
  std::uint32_t metrics_slot = 0;         // the registry's writer slot of the health thread
  // Called as on_transition is. No function: agents are asked for nothing.
  std::function<void(const AgentNews&)> on_agent{};
  std::function<void(const Suspicion&)> on_suspicion{};  // likewise
};

// Owns the health thread. Never writes Backend::state: it tells of transitions, and control decides.
class Prober {
 public:
  // `on_transition` is called on the health thread, one call at a time, and must only pass the news on.
  Prober(ProberOptions options, std::function<void(const Transition&)> on_transition);
  // Cancels every probe, joins the thread. No transition is reported after it has begun.
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Replaces the set of backends. Those that stay keep state, counts and place in the schedule, even when thresholds,
  // addresses or path changed; a changed interval takes effect with the next probe. New ones are probed soon, spread
  // by 0.5 ms each. With checks disabled a backend becomes healthy at once. One whose name does not resolve is
  // unhealthy, with checks or without; before the first look-up has ended nothing is said of it. A backend with several
  // addresses is probed at another one first each time, and fails when all do; those that fail are noted in its
  // endpoint. Any thread.
  void watch(std::vector<WatchedBackend> wanted);

  // A connection of live traffic to `backend` failed; counts like a failed probe, at once. Any thread, lock-free; at
  // most one message per backend is under way, and nothing happens for a backend that is not watched or not checked.
  void report_connect_failure(const pool::Backend& backend, const base::Error& error);

  // A copy of what is known, or nothing when it is not watched (yet). Any thread; takes a short lock, so never once
  // per request.
  std::optional<HealthDetails> details(const pool::Backend& backend) const;
  // The same of its agent; nothing when it has none.
  std::optional<AgentDetails> agent(const pool::Backend& backend) const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace weir::health
