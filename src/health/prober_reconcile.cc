// Bringing what is watched in line with what the configuration wants.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/hash.h"
#include "health/prober_core.h"

namespace weir::health {

void Prober::Core::post_reconcile(std::vector<WatchedBackend> wanted) {
  reactor_.post([this, list = std::move(wanted)] {
    if (stopping_) return;
    reconcile(list);
    agents_.reconcile(list);
  });
}

void Prober::Core::reconcile(const std::vector<WatchedBackend>& wanted) {
  std::vector<Transition> transitions;
  Plans plans;
  ++generation_;
  new_slots_.clear();
  different_.clear();
  {
    std::lock_guard lock(mutex_);
    for (const WatchedBackend& one : wanted) {
      std::uint32_t slot = one.backend->slot();
      if (slot >= watched_.size()) watched_.resize(slot + 1);
      Watched* watched = watched_[slot].get();
      // Slots belong to living backends and those here are kept alive, so the slot tells which backend it is.
      if (watched == nullptr) {
        failures_.make(slot);
        watched_[slot] = std::make_unique<Watched>(one.backend, Thresholds{}, base::now());
        watched = watched_[slot].get();
      }
      if (watched->generation != generation_) update(*watched, one, plans, transitions);
    }
    forget_unwanted();
    find_leaders();
  }
  schedule_new();
  arm_timer();
  tell(transitions);
}

void Prober::Core::update(Watched& watched, const WatchedBackend& wanted, Plans& plans,
                          std::vector<Transition>& transitions) {
  watched.generation = generation_;
  watched.plan = plan_for(wanted, watched.plan, plans);
  watched.machine.set_thresholds(watched.plan->thresholds);
  update_ready(watched, transitions);

  auto aim = std::make_shared<Aim>();
  if (wanted.addresses != nullptr) aim->addresses = *wanted.addresses;
  std::uint16_t port = watched.plan->config.port;
  for (base::SocketAddress& address : aim->addresses) address.port = port != 0 ? port : address.port;
  aim->path = wanted.path;
  aim->tls = wanted.tls;
  if (aim->addresses.empty()) aim->name_error = wanted.name_error;
  aim->protocol = wanted.protocol;
  aim->proxy_protocol = watched.plan->config.proxy_protocol.value_or(wanted.proxy_protocol);
  aim->endpoint = wanted.endpoint;
  bool aim_changed = watched.aim == nullptr || *watched.aim != *aim;
  if (aim_changed) watched.aim = std::move(aim);
  update_schedule(watched, aim_changed, transitions);
}

// Readiness is found out anew when it is asked for, and no longer counts when it is not.
void Prober::Core::update_ready(Watched& watched, std::vector<Transition>& transitions) {
  bool is_wanted = watched.plan->checker != nullptr && !watched.plan->checker->ready().empty();
  pool::BackendState before = watched.state();
  if (!is_wanted) {
    watched.ready.reset();
  } else if (!watched.ready) {
    watched.ready.emplace(watched.plan->thresholds, base::now());
  } else {
    watched.ready->set_thresholds(watched.plan->thresholds);
  }
  note_transition(transitions, watched, before);
}

void Prober::Core::update_schedule(Watched& watched, bool aim_changed, std::vector<Transition>& transitions) {
  base::TimePoint now = base::now();
  const Aim& aim = *watched.aim;
  pool::BackendState before = watched.state();
  watched.is_probed = watched.plan->checker != nullptr && !aim.addresses.empty();
  if (!watched.is_probed) {
    if (watched.scheduled) unschedule(watched);
    watched.serial = ++last_serial_;
    simultaneous_.forget(watched.backend->pool_name(), watched.backend->slot());
  }
  if (!aim.name_error.empty()) {
    std::string reason = fmt::format("the name {} does not resolve: {}", watched.backend->host(), aim.name_error);
    watched.machine.assume(pool::BackendState::unhealthy, reason, now);
  } else if (!watched.is_probed && !aim.addresses.empty()) {
    watched.machine.assume(pool::BackendState::healthy, "health checks are off", now);
  } else if (watched.scheduled) {
    schedule_.set_cadence(watched.backend->slot(), watched.plan->cadence, now);
    if (aim_changed) schedule_.hurry(watched.backend->slot(), now);
  }
  note_transition(transitions, watched, before);
}

void Prober::Core::unschedule(Watched& watched) {
  schedule_.remove(watched.backend->slot());
  watched.scheduled = false;
  watched.serial = ++last_serial_;
}

void Prober::Core::forget_unwanted() {
  for (std::uint32_t slot = 0; slot < watched_.size(); ++slot) {
    Watched* watched = watched_[slot].get();
    if (watched == nullptr || watched->generation == generation_) continue;
    if (watched->scheduled) schedule_.remove(slot);
    simultaneous_.forget(watched->backend->pool_name(), slot);
    watched_[slot].reset();
  }
}

// Backends of several pools that are asked the same at the same endpoint are probed once: one of them leads, the others
// follow its results. One that leads already goes on.
void Prober::Core::find_leaders() {
  using Probe = std::tuple<const Plan*, const pool::Endpoint*, const tls::ClientContexts*, std::string_view>;
  std::map<Probe, std::uint32_t> leaders;
  std::vector<std::uint32_t> slots;
  for (bool leads : {true, false}) {
    for (std::uint32_t slot = 0; slot < watched_.size(); ++slot) {
      const Watched* watched = watched_[slot].get();
      if (watched != nullptr && watched->is_probed && watched->scheduled == leads) slots.push_back(slot);
    }
  }
  for (std::uint32_t slot : slots) {
    Watched& watched = *watched_[slot];
    watched.leader = slot;
    watched.followers.clear();
    const Aim& aim = *watched.aim;
    bool is_shared = watched.plan->is_shared && aim.endpoint != nullptr;
    Probe probe{watched.plan->like, aim.endpoint.get(), aim.tls.get(), aim.path};
    auto found = is_shared ? leaders.find(probe) : leaders.end();
    if (found != leaders.end()) {
      if (watched.scheduled) unschedule(watched);
      watched.leader = found->second;
      watched_[found->second]->followers.push_back(slot);
      continue;
    }
    if (is_shared) leaders.emplace(probe, slot);
    if (watched.scheduled) continue;
    watched.scheduled = true;
    watched.serial = ++last_serial_;
    new_slots_.push_back(slot);
  }
}

// New backends are probed soon: one every 0.5 ms, or closer when they would not fit into an interval.
void Prober::Core::schedule_new() {
  constexpr base::Nanoseconds kSpread = std::chrono::microseconds(500);
  base::TimePoint now = base::now();
  for (std::size_t i = 0; i < new_slots_.size(); ++i) {
    const Watched& watched = *watched_[new_slots_[i]];
    const Cadence& cadence = watched.plan->cadence;
    auto count = static_cast<base::Nanoseconds::rep>(new_slots_.size());
    base::Nanoseconds step = std::min(kSpread, cadence.interval / count);
    const pool::Backend& backend = *watched.backend;
    std::uint64_t identity = base::hash_text(backend.id(), base::hash_text(backend.pool_name()));
    schedule_.add(new_slots_[i], identity, cadence, now + step * static_cast<base::Nanoseconds::rep>(i));
  }
}

// The plan of the backend's pool: the one this reconciliation has made for the same check already, the present one if
// nothing changed, or a new one.
std::shared_ptr<Prober::Core::Plan> Prober::Core::plan_for(const WatchedBackend& wanted,
                                                           const std::shared_ptr<Plan>& present, Plans& plans) {
  std::shared_ptr<Plan>& plan = plans[wanted.check.get()];
  if (plan != nullptr) return plan;
  if (present != nullptr && present->config == *wanted.check) {
    plan = present;
    find_like(*plan);
    return plan;
  }
  plan = std::make_shared<Plan>();
  plan->config = *wanted.check;
  plan->cadence = {
      .interval = std::max<base::Nanoseconds>(plan->config.interval, std::chrono::milliseconds(1)),
      .fast_interval = std::max<base::Nanoseconds>(plan->config.fast_interval, std::chrono::milliseconds(1)),
      .jitter = plan->config.jitter};
  plan->thresholds = {plan->config.healthy_threshold, plan->config.unhealthy_threshold};
  if (plan->config.enabled) plan->checker = make_checker(plan->config.checker);
  const config::KindEntry* entry = config::find_entry(checkers(), plan->config.checker.name);
  plan->is_shared = entry != nullptr && !entry->traits.runs_program;
  find_like(*plan);
  return plan;
}

// Thresholds are no matter of the probe.
void Prober::Core::find_like(Plan& plan) {
  config::HealthCheck probe = plan.config;
  probe.healthy_threshold = probe.unhealthy_threshold = 0;
  auto found = std::ranges::find(different_, probe, &std::pair<config::HealthCheck, const Plan*>::first);
  plan.like = found == different_.end() ? &plan : found->second;
  if (found == different_.end()) different_.emplace_back(std::move(probe), &plan);
}

}  // namespace weir::health
