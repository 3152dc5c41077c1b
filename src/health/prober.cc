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
      agents_(options_.registry, options_.metrics_slot, reactor_,
              options_.on_agent ? options_.on_agent : [](const AgentNews&) {}) {
  if (options_.registry != nullptr) {
    succeeded_ = options_.registry->counter(families::kHealthChecks, {"success"});
    failed_ = options_.registry->counter(families::kHealthChecks, {"failure"});
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
// answers does not hide the next.
net::Task<void> Prober::Core::probe(std::uint32_t slot, std::uint64_t serial, std::shared_ptr<Plan> plan,
                                    std::shared_ptr<const Aim> aim, std::shared_ptr<pool::Backend> backend,
                                    std::uint32_t first) {
  CheckResult result;
  base::TimePoint began = base::now();
  base::TimePoint deadline = reactor_.now() + plan->config.timeout;
  std::size_t count = aim->addresses.size();
  for (std::size_t i = 0; i < count && !result.ok && !result.is_ours && !stopping_; ++i) {
    base::Nanoseconds share = (deadline - reactor_.now()) / static_cast<base::Nanoseconds::rep>(count - i);
    CheckTarget target{.address = aim->addresses[(first + i) % count],
                       .host = backend->host(),
                       .path = aim->path,
                       .timeout = std::max<base::Nanoseconds>(share, std::chrono::milliseconds(1)),
                       .tls = aim->tls,
                       .protocol = aim->protocol,
                       .proxy_protocol = aim->proxy_protocol,
                       .pool = backend->pool_name(),
                       .id = backend->id(),
                       .programs = &programs_};
    try {
      result = co_await plan->checker->check(target);
    } catch (const std::bad_alloc&) {
      result = {.ok = false, .latency = {}, .error = "out of memory", .is_ours = true};
    }
    std::string question = plan->checker->question(aim->path);
    result.probed = fmt::format("{}{}{} at {}", plan->config.checker.name, question.empty() ? "" : " ", question,
                                target.address.to_string());
    if (count > 1 && !stopping_ && !result.is_ours) note_address(*backend, *aim->endpoint, target.address.ip, result);
  }
  result.latency = base::now() - began;
  take_result(slot, serial, std::move(result));
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

void Prober::Core::take_result(std::uint32_t slot, std::uint64_t serial, CheckResult result) {
  Watched* watched = find(slot);
  if (stopping_ || watched == nullptr || watched->serial != serial) return;
  if (options_.registry != nullptr && !result.is_ours) {
    (result.ok ? succeeded_ : failed_).add(options_.metrics_slot);
    duration_.observe(options_.metrics_slot, static_cast<std::uint64_t>(result.latency.count()));
  }
  base::TimePoint now = base::now();
  std::vector<Transition> transitions;
  if (result.is_ours) {
    complain(*watched->backend, result.error, now);
  } else {
    std::lock_guard lock(mutex_);
    note_transition(transitions, *watched, watched->machine.report_check(std::move(result), now));
  }
  bool is_open = watched->machine.is_changing() || watched->machine.state() == pool::BackendState::unknown;
  schedule_.finish(slot, now, is_open ? Pace::fast : Pace::normal);
  arm_timer();
  tell(transitions);
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
  if (watched == nullptr || !watched->scheduled) return;
  std::vector<Transition> transitions;
  {
    std::lock_guard lock(mutex_);
    std::string cause = base::cause(error);
    note_transition(transitions, *watched, watched->machine.report_traffic_failure(failures, cause, base::now()));
  }
  if (watched->machine.is_changing() || !transitions.empty()) {
    schedule_.hurry(slot, base::now());
    arm_timer();
  }
  tell(transitions);
}

// ---- telling ----------------------------------------------------------------------------------------------------

void Prober::Core::note_transition(std::vector<Transition>& transitions, const Watched& watched,
                                   std::optional<StateChange>&& change) const {
  if (change) transitions.push_back({watched.backend, change->from, change->to, std::move(change->reason)});
}

void Prober::Core::tell(const std::vector<Transition>& transitions) {
  for (const Transition& transition : transitions) on_transition_(transition);
}

std::optional<HealthDetails> Prober::Core::details(const pool::Backend& backend) const {
  std::int64_t unix_now = base::unix_milliseconds();
  base::TimePoint now = base::now();
  auto unix_ms = [=](base::TimePoint at) {
    return unix_now - std::chrono::duration_cast<std::chrono::milliseconds>(now - at).count();
  };
  std::lock_guard lock(mutex_);
  const Watched* watched = find(backend.slot());
  if (watched == nullptr || watched->backend.get() != &backend) return std::nullopt;
  const StateMachine& machine = watched->machine;
  HealthDetails details{.state = machine.state(),
                        .since_unix_ms = unix_ms(machine.since()),
                        .consecutive_failures = machine.consecutive_failures(),
                        .consecutive_successes = machine.consecutive_successes(),
                        .last_check = {},
                        .history = {}};
  if (machine.last_check()) {
    details.last_check = HealthDetails::Check{unix_ms(machine.last_check()->at), machine.last_check()->result};
  }
  for (const StateChange& change : machine.history()) {
    details.history.push_back({unix_ms(change.at), change.from, change.to, change.reason});
  }
  return details;
}

}  // namespace weir::health
