#include "health/prober.h"

#include <algorithm>
#include <fmt/format.h>
#include <new>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "health/prober_core.h"
#include "metrics/families.h"

namespace weir::health {

namespace families = metrics::families;

Prober::Prober(ProberOptions options, std::function<void(const Transition&)> on_transition)
    : core_(std::make_unique<Core>(options, std::move(on_transition))) {}
Prober::~Prober() = default;

void Prober::watch(std::vector<WatchedBackend> wanted) { core_->post_reconcile(std::move(wanted)); }
void Prober::report_connect_failure(const pool::Backend& backend, const base::Error& error) {
  core_->report_connect_failure(backend, error);
}
std::optional<HealthDetails> Prober::details(const pool::Backend& backend) const { return core_->details(backend); }
std::optional<AgentDetails> Prober::agent(const pool::Backend& backend) const {
  return core_->agents().details(backend);
}

// ---- thread -----------------------------------------------------------------------------------------------------

Prober::Core::Core(ProberOptions options, std::function<void(const Transition&)> on_transition)
    : options_(options),
      on_transition_(std::move(on_transition)),
      schedule_(options.max_in_flight, base::HashKey::random().first),
      agents_(
          options_.registry, options_.metrics_slot, reactor_,
          options_.on_agent ? options_.on_agent : [](const AgentNews&) {}) {
  if (options_.registry != nullptr) {
    succeeded_ = options_.registry->counter(families::kHealthChecks, {"success"});
    failed_ = options_.registry->counter(families::kHealthChecks, {"failure"});
    suspicious_ = options_.registry->counter(families::kHealthSuspicions);
    duration_ = options_.registry->histogram(families::kHealthCheckDuration);
  }
  thread_ = std::thread([this] { run_thread(); });
}

Prober::Core::~Core() {
  reactor_.stop();
  thread_.join();
}

void Prober::Core::run_thread() {
  reactor_.run();
  stopping_ = true;
  reactor_.timers().disarm(timer_);
  probes_.cancel();
  agents_.stop();
  while (probes_.size() > 0 || agents_.in_progress() > 0) reactor_.run_once(base::TimePoint::max());
}

// ---- probes -----------------------------------------------------------------------------------------------------

void Prober::Core::launch_due() {
  base::TimePoint now = reactor_.now();
  while (std::optional<Schedule::Id> slot = schedule_.start(now)) {
    Watched& watched = *watched_[*slot];
    try {
      probes_.spawn(probe(*slot, watched.serial, watched.plan, watched.aim, watched.backend, watched.probes++));
    } catch (const std::bad_alloc&) {
      schedule_.finish(*slot, now, Pace::normal);
    }
  }
  arm_timer();
}

void Prober::Core::arm_timer() {
  std::optional<base::TimePoint> due = schedule_.next_due();
  if (stopping_ || !due) {
    reactor_.timers().disarm(timer_);
    return;
  }
  net::Tick tick = reactor_.tick(*due);
  if (!timer_.armed() || timer_.expires() != tick) reactor_.timers().arm(timer_, tick);
}

// Address by address until one is good; each has an equal share of the time that is left, so that one that never
// answers does not hide the next. Whether the backend is ready is asked at the address that was good.
net::Task<void> Prober::Core::probe(std::uint32_t slot, std::uint64_t serial, std::shared_ptr<Plan> plan,
                                    std::shared_ptr<const Aim> aim, std::shared_ptr<pool::Backend> backend,
                                    std::uint32_t first) {
  Judged judged;
  CheckResult& result = judged.alive;
  base::TimePoint began = base::now();
  base::TimePoint deadline = reactor_.now() + plan->config.timeout;
  std::size_t count = aim->addresses.size();
  CheckTarget target{.address = {},
                     .host = backend->host(),
                     .path = aim->path,
                     .tls = aim->tls,
                     .protocol = aim->protocol,
                     .proxy_protocol = aim->proxy_protocol,
                     .pool = backend->pool_name(),
                     .id = backend->id(),
                     .programs = &programs_};
  constexpr base::Nanoseconds kLeast = std::chrono::milliseconds(1);
  for (std::size_t i = 0; i < count && !result.ok && !result.is_ours && !stopping_; ++i) {
    base::Nanoseconds share = (deadline - reactor_.now()) / static_cast<base::Nanoseconds::rep>(count - i);
    target.address = aim->addresses[(first + i) % count];
    target.timeout = std::max<base::Nanoseconds>(share, kLeast);
    result = co_await ask(*plan, target);
    if (count > 1 && !stopping_ && !result.is_ours) note_address(*backend, *aim->endpoint, target.address.ip, result);
  }
  result.latency = base::now() - began;
  target.ready = plan->checker->ready();
  if (result.ok && !target.ready.empty() && !stopping_) {
    target.timeout = std::max<base::Nanoseconds>(deadline - reactor_.now(), kLeast);
    judged.ready = co_await ask(*plan, target);
  }
  take_result(slot, serial, std::move(judged));
}

net::Task<CheckResult> Prober::Core::ask(const Plan& plan, CheckTarget target) {
  CheckResult result;
  try {
    result = co_await plan.checker->check(target);
  } catch (const std::bad_alloc&) {
    result = {.ok = false, .latency = {}, .error = "out of memory", .is_ours = true};
  }
  std::string question = plan.checker->question(target.ready.empty() ? target.path : target.ready);
  result.probed = fmt::format("{}{}{} at {}", plan.config.checker.name, question.empty() ? "" : " ", question,
                              target.address.to_string());
  co_return result;
}

// Connections to a backend with several addresses try those last that have failed.
void Prober::Core::note_address(const pool::Backend& backend, pool::Endpoint& endpoint, const base::IpAddress& address,
                                const CheckResult& result) {
  if (result.ok) {
    endpoint.failed_addresses.remove(address);
  } else if (endpoint.failed_addresses.add(address, base::now())) {
    base::log_warning("backend {}/{}: {}: {}; its other addresses are tried first", backend.pool_name(), backend.id(),
                      result.probed, result.error);
  }
}

// The result counts for all that asked for the probe; each judges by the thresholds of its own pool.
void Prober::Core::take_result(std::uint32_t slot, std::uint64_t serial, Judged judged) {
  Watched* leader = find(slot);
  if (stopping_ || leader == nullptr || leader->serial != serial) return;
  const CheckResult& result = judged.alive;
  if (options_.registry != nullptr && !result.is_ours) {
    (result.ok ? succeeded_ : failed_).add(options_.metrics_slot);
    duration_.observe(options_.metrics_slot, static_cast<std::uint64_t>(result.latency.count()));
  }
  base::TimePoint now = base::now();
  std::vector<Transition> transitions;
  if (result.is_ours) {
    complain(*leader->backend, result.error, now);
  } else {
    std::lock_guard lock(mutex_);
    judge(*leader, judged, now, transitions);
    for (std::uint32_t follower : leader->followers) judge(*watched_[follower], judged, now, transitions);
  }
  bool is_open = leader->is_changing();
  for (std::uint32_t follower : leader->followers) is_open = is_open || watched_[follower]->is_changing();
  schedule_.finish(slot, now, is_open ? Pace::fast : Pace::normal);
  arm_timer();
  tell(transitions);
}

void Prober::Core::judge(Watched& watched, const Judged& judged, base::TimePoint now,
                         std::vector<Transition>& transitions) {
  pool::BackendState before = watched.state();
  bool was_healthy = watched.machine.state() == pool::BackendState::healthy;
  watched.machine.report_check(judged.alive, now);
  if (watched.ready && judged.ready && !judged.ready->is_ours) watched.ready->report_check(*judged.ready, now);
  note_transition(transitions, watched, before);
  if (judged.alive.ok) {
    bool is_healthy = watched.machine.state() == pool::BackendState::healthy;
    simultaneous_.succeeded(watched.backend->pool_name(), watched.backend->slot(), is_healthy);
  } else {
    note_failure(watched, was_healthy, now);
  }
}

// Every backend has its turn within an interval, moved by the jitter, and may take the timeout to fail.
void Prober::Core::note_failure(const Watched& watched, bool was_healthy, base::TimePoint now) {
  const Cadence& cadence = watched.plan->cadence;
  auto jitter = std::chrono::duration_cast<base::Nanoseconds>(cadence.interval * cadence.jitter);
  base::Nanoseconds window = cadence.interval + jitter + watched.plan->config.timeout;
  const pool::Backend& backend = *watched.backend;
  auto suspicion = simultaneous_.failed(backend.pool_name(), backend.slot(), was_healthy, window, now);
  if (suspicion) suspicions_.push_back(*std::move(suspicion));
}

// Logs that this machine lacks something for a probe, which is no verdict on a backend.
void Prober::Core::complain(const pool::Backend& backend, const std::string& error, base::TimePoint now) {
  constexpr std::chrono::seconds kComplainEvery{60};
  if (now < next_complaint_) return;
  next_complaint_ = now + kComplainEvery;
  base::log_warning("backend {}/{}: cannot be probed, its state stays as it is: {}", backend.pool_name(), backend.id(),
                    error);
}

// ---- failures of live traffic -----------------------------------------------------------------------------------

void Prober::Core::report_connect_failure(const pool::Backend& backend, const base::Error& error) {
  FailureReport* report = failures_.find(backend.slot());
  if (report == nullptr || !report->add(error)) return;
  reactor_.post([this, slot = backend.slot()] {
    if (!stopping_) probes_.spawn(follow_failures(slot));
  });
}

// Takes failures as long as they come, every 10 ms: so a storm of them costs one message and not thousands.
net::Task<void> Prober::Core::follow_failures(std::uint32_t slot) {
  constexpr std::chrono::milliseconds kPause{10};
  FailureReport& report = *failures_.find(slot);
  while (true) {
    std::uint32_t failures = report.take();
    if (failures == 0 && report.close()) co_return;
    if (failures > 0) take_failures(slot, failures, report.error());
    base::Result<void> slept = co_await net::sleep_for(kPause);
    if (!slept) co_return;
  }
}

void Prober::Core::take_failures(std::uint32_t slot, std::uint32_t failures, const base::Error& error) {
  Watched* watched = find(slot);
  if (watched == nullptr || !watched->is_probed) return;
  std::vector<Transition> transitions;
  base::TimePoint now = base::now();
  {
    std::lock_guard lock(mutex_);
    pool::BackendState before = watched->state();
    bool was_healthy = watched->machine.state() == pool::BackendState::healthy;
    watched->machine.report_traffic_failure(failures, base::cause(error), now);
    note_transition(transitions, *watched, before);
    note_failure(*watched, was_healthy, now);
  }
  if (watched->machine.is_changing() || !transitions.empty()) {
    schedule_.hurry(watched->leader, now);
    arm_timer();
  }
  tell(transitions);
}

// ---- telling ----------------------------------------------------------------------------------------------------

void Prober::Core::note_transition(std::vector<Transition>& transitions, const Watched& watched,
                                   pool::BackendState before) {
  pool::BackendState after = watched.state();
  if (after != before) transitions.push_back({watched.backend, before, after, watched.reason()});
}

void Prober::Core::tell(const std::vector<Transition>& transitions) {
  for (const Transition& transition : transitions) on_transition_(transition);
  for (const Suspicion& suspicion : std::exchange(suspicions_, {})) {
    if (suspicious_) suspicious_.add(options_.metrics_slot);
    if (options_.on_suspicion) options_.on_suspicion(suspicion);
  }
}

}  // namespace weir::health
