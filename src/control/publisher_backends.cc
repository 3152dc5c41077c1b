// The backends of the publisher: identity, state, addresses, slow start.
#include <algorithm>
#include <utility>

#include "control/publisher_records.h"
#include "metrics/exposition.h"

namespace weir::control {
namespace {

using pool::BackendState;

bool takes_work(BackendState state) { return state == BackendState::healthy || state == BackendState::unknown; }

// An operator's word, and the definition's, goes before the agent's, and that before the probes'.
BackendState state_of(bool enabled, const Override& by_operator, BackendState probed,
                      const health::AgentVerdict& agent) {
  switch (by_operator.operation) {
    case Override::Operation::draining:
      return BackendState::draining;
    case Override::Operation::disabled:
      return BackendState::disabled;
    case Override::Operation::enabled:
      break;
    case Override::Operation::none:
      if (!enabled) return BackendState::disabled;
  }
  if (agent.admin == health::AgentWords::Admin::maint) return BackendState::disabled;
  if (agent.drains()) return BackendState::draining;
  if (by_operator.healthy) return *by_operator.healthy ? BackendState::healthy : BackendState::unhealthy;
  return agent.is_down() ? BackendState::unhealthy : probed;
}

const Override& override_of(const Effective& effective, const BackendKey& key) {
  static const Override none;
  auto found = effective.overrides.find(key);
  return found == effective.overrides.end() ? none : found->second;
}

}  // namespace

void Publisher::update_backends(const Effective& effective, base::TimePoint now,
                                std::optional<config::Duration> drain_timeout) {
  for (const config::Pool& pool : effective.config->pools) {
    if (effective.borrowed.contains(pool.name)) continue;
    for (const config::Backend& wanted : pool.backends) {
      update_backend(pool, wanted, override_of(effective, {pool.name, wanted.id}), now, drain_timeout);
    }
  }
  forget_unwanted(drain_timeout);
}

void Publisher::update_backend(const config::Pool& pool, const config::Backend& wanted, const Override& by_operator,
                               base::TimePoint now, std::optional<config::Duration> drain_timeout) {
  std::unique_ptr<BackendRecord>& record = backends_[{pool.name, wanted.id}];
  bool replaced = record && (record->backend->host() != wanted.host || record->backend->port() != wanted.port);
  if (replaced && options_.leave) {
    options_.leave(record->backend, drain_timeout.value_or(record->drain_timeout), true);
  }
  if (!record || replaced) {
    if (replaced) record->backend->state.store(BackendState::draining, std::memory_order_relaxed);
    record = std::make_unique<BackendRecord>();
    record->backend = std::make_shared<pool::Backend>(pool.name, wanted.id, wanted.host, wanted.port);
    look_up(*record);
    // At the start of Weir nobody ramps: there is nobody to take the rest.
    if (config_ != nullptr) record->usable_since = now;
  }
  std::uint32_t weight = by_operator.weight.value_or(wanted.weight);
  if (record->weight != weight || record->max_connections != wanted.max_connections) mark_pools_of(*record);
  record->enabled = wanted.enabled;
  record->weight = weight;
  record->max_connections = wanted.max_connections;
  record->health_check_path = wanted.health_check_path;
  record->agent_port = wanted.agent_port.value_or(0);
  record->by_operator = by_operator;
  record->drain_timeout = pool.drain_timeout;
  record->generation = generation_;
  update_state(*record, now, drain_timeout);
}

// Puts the state that follows from operator and probes into the backend.
void Publisher::update_state(BackendRecord& record, base::TimePoint now,
                             std::optional<config::Duration> drain_timeout) {
  BackendState before = record.backend->state.load(std::memory_order_relaxed);
  BackendState after = state_of(record.enabled, record.by_operator, record.probed, record.agent);
  if (before == after) return;
  record.backend->state.store(after, std::memory_order_relaxed);
  record.state_since_unix_ms = base::unix_milliseconds();
  if (takes_work(after) && !takes_work(before)) record.usable_since = now;
  mark_pools_of(record);
  // A drain that has begun goes on in its time when the backend is disabled as well.
  bool leaves =
      after == BackendState::draining || (after == BackendState::disabled && before != BackendState::draining);
  // An agent that wants no new work says nothing about the old.
  bool by_agent = after != state_of(record.enabled, record.by_operator, record.probed, {});
  if (leaves && !by_agent && options_.leave) {
    options_.leave(record.backend, drain_timeout.value_or(record.drain_timeout), false);
  }
}

void Publisher::drain_again(const BackendKey& key, config::Duration timeout) {
  auto found = backends_.find(key);
  if (found == backends_.end() || !options_.leave) return;
  const std::shared_ptr<pool::Backend>& backend = found->second->backend;
  if (backend->state.load(std::memory_order_relaxed) == BackendState::draining) options_.leave(backend, timeout, false);
}

void Publisher::forget_unwanted(std::optional<config::Duration> drain_timeout) {
  for (auto next = backends_.begin(); next != backends_.end();) {
    auto at = next++;
    BackendRecord& record = *at->second;
    if (record.generation == generation_) continue;
    record.backend->state.store(BackendState::draining, std::memory_order_relaxed);
    mark_pools_of(record);
    if (options_.leave) options_.leave(record.backend, drain_timeout.value_or(record.drain_timeout), true);
    departed_.push_back({record.backend, "backend", at->first.id, at->first.pool});
    backends_.erase(at);
  }
}

void Publisher::set_health(const pool::Backend& backend, BackendState probed, base::TimePoint now) {
  auto found = backends_.find({backend.pool_name(), backend.id()});
  if (found == backends_.end() || found->second->backend.get() != &backend) return;
  found->second->probed = probed;
  update_state(*found->second, now, {});
}

void Publisher::set_agent(const pool::Backend& backend, const health::AgentVerdict& verdict, base::TimePoint now) {
  auto found = backends_.find({backend.pool_name(), backend.id()});
  if (found == backends_.end() || found->second->backend.get() != &backend) return;
  BackendRecord& record = *found->second;
  if (record.agent == verdict) return;
  record.agent = verdict;
  mark_pools_of(record);
  update_state(record, now, {});
}

Publisher::BackendRecord::Share Publisher::BackendRecord::share() const {
  constexpr std::uint32_t kMaxWeight = 1000;
  std::uint32_t base = agent.weight && !by_operator.weight ? *agent.weight : weight;
  if (!agent.percent) return {base, 100};
  // Nothing of it: the backend drains.
  if (*agent.percent <= 100) return {base, std::max(1u, *agent.percent)};
  std::uint64_t grown = std::uint64_t{base} * *agent.percent / 100;
  return {static_cast<std::uint32_t>(std::min<std::uint64_t>(grown, kMaxWeight)), 100};
}

void Publisher::addresses_changed(std::string_view host) {
  for (auto& [key, record] : backends_) {
    if (record->backend->host() != host) continue;
    std::shared_ptr<const pool::Addresses> before = record->addresses;
    pool::NameState state_before = record->backend->name_state.load();
    look_up(*record);
    bool is_same = before != nullptr && record->addresses != nullptr && *before == *record->addresses;
    if (is_same) record->addresses = std::move(before);
    if (!is_same || state_before != record->backend->name_state.load()) mark_pools_of(*record);
  }
}

// Puts what is known of the backend's addresses into its record.
void Publisher::look_up(BackendRecord& record) const {
  const std::string& host = record.backend->host();
  std::uint16_t port = record.backend->port();
  if (auto literal = base::IpAddress::parse(host)) {
    record.addresses = std::make_shared<const pool::Addresses>(pool::Addresses{{*literal, port}});
    return;
  }
  record.addresses = options_.resolve ? options_.resolve(host, port) : nullptr;
  record.name_error = options_.resolve_error ? options_.resolve_error(host) : std::string();
  using enum pool::NameState;
  if (record.addresses != nullptr && record.addresses->empty()) record.addresses = nullptr;
  bool is_known = record.addresses != nullptr;
  record.backend->name_state = is_known ? known : record.name_error.empty() ? pending : failed;
}

void Publisher::mark_pools_of(const BackendRecord& record) {
  for (PoolRecord* pool : record.pools) pool->dirty = true;
  dirty_ = true;
}

std::shared_ptr<pool::Backend> Publisher::find(const BackendKey& key) const {
  auto found = backends_.find(key);
  return found == backends_.end() ? nullptr : found->second->backend;
}

Publisher::Standing Publisher::standing(const BackendKey& key) const {
  auto found = backends_.find(key);
  if (found == backends_.end()) return {};
  const BackendRecord& record = *found->second;
  BackendRecord::Share share = record.share();
  bool by_agent = state_of(record.enabled, record.by_operator, record.probed, record.agent) !=
                  state_of(record.enabled, record.by_operator, record.probed, {});
  return {.since_unix_ms = record.state_since_unix_ms,
          .name_error = record.name_error,
          .by_agent = by_agent ? "agent: " + record.agent.text() : std::string(),
          .effective_weight = record.agent.percent == 0u ? 0 : share.weight * share.percent / 100.0};
}

void Publisher::for_each_backend(
    const std::function<void(const pool::Backend&, const std::string& labels)>& visit) const {
  for (const auto& [key, record] : backends_) {
    if (record->metric_labels.empty()) {
      record->metric_labels = metrics::render_labels({{"pool", key.pool}, {"backend", key.id}});
    }
    visit(*record->backend, record->metric_labels);
  }
}

void Publisher::for_each_agent(const std::function<void(const health::AgentVerdict&, double weight_ratio,
                                                        const std::string& labels)>& visit) const {
  for_each_backend([&](const pool::Backend& backend, const std::string& labels) {
    const BackendRecord& record = *backends_.at({backend.pool_name(), backend.id()});
    if (record.agent == health::AgentVerdict()) return;
    BackendRecord::Share share = record.share();
    double ratio = record.weight == 0 ? 0 : share.weight * share.percent / 100.0 / record.weight;
    visit(record.agent, record.agent.percent == 0u ? 0 : ratio, labels);
  });
}

std::vector<health::WatchedBackend> Publisher::watched() const {
  std::vector<health::WatchedBackend> all;
  all.reserve(backends_.size());
  // Checks of pools that choose no checker as they are for backends that name a path.
  std::map<const config::Pool*, std::shared_ptr<const config::HealthCheck>> by_path;
  for (const auto& [key, record] : backends_) {
    const std::shared_ptr<const config::Pool>& pool = record->pools.front()->config;
    std::shared_ptr<const config::HealthCheck> check(pool, &pool->health_check);
    if (!record->health_check_path.empty() && check->checker.name == config::kUsualChecker) {
      std::shared_ptr<const config::HealthCheck>& made = by_path[pool.get()];
      if (made == nullptr) {
        config::HealthCheck of_paths = *check;
        of_paths.checker = {.name = std::string(config::kCheckerOfPaths), .options = {}};
        made = std::make_shared<const config::HealthCheck>(std::move(of_paths));
      }
      check = made;
    }
    std::shared_ptr<const tls::ClientContexts> tls = record->pools.front()->tls;
    if (pool->health_check.tls && options_.probe_tls) tls = options_.probe_tls(*pool);
    std::shared_ptr<const config::Agent> agent;
    if (pool->agent) agent = {pool, &*pool->agent};
    all.push_back({record->backend, std::move(check), record->addresses, record->health_check_path, std::move(tls),
                   record->name_error, pool->protocol, pool->proxy_protocol, record->endpoint, std::move(agent),
                   record->agent_port});
  }
  return all;
}

}  // namespace weir::control
