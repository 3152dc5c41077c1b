// Ejections as the sets of backends see them.
#include <algorithm>

#include "control/publisher_records.h"

namespace weir::control {

// Puts the ejections of the members into `candidates`, as far as the pool's limit lets them be out, and the limit into
// the pool's quota. The serials of the present ejections, for BackendEntry::used_though_ejected.
std::vector<std::uint32_t> Publisher::limit_ejections(PoolRecord& pool, std::span<pool::Candidate> candidates) const {
  const config::Passive& passive = pool.config->passive;
  std::vector<std::uint32_t> serials(candidates.size(), pool::BackendEntry::kNotEjected);
  std::set<const pool::Endpoint*> ejected;
  const bool is_timed = passive.latency.enabled && candidates.size() >= passive.latency.min_backends;
  const bool has_rates = passive.success_rate.enabled && candidates.size() >= passive.success_rate.min_backends;
  const bool is_compared = is_timed || has_rates || passive.error_rate.enabled;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto& [record, endpoint] = pool.members[i];
    const pool::EjectionState state = passive.enabled ? endpoint->ejection() : pool::EjectionState();
    const bool is_own = record->pools.front() == &pool;
    if (is_own) record->backend->ejected.store(!state.is_in(), std::memory_order_relaxed);
    if (!passive.enabled) continue;
    if (is_compared) record->backend->traffic.keep(options_.workers, is_timed);
    if (state.is_in()) continue;
    serials[i] = state.serial();
    candidates[i].ejection = state;
    candidates[i].by_operator = endpoint->ejected_by_operator;
    if (pool::is_fit(candidates[i])) ejected.insert(endpoint.get());
  }
  pool::EjectionQuota& quota = pool.runtime->ejections;
  for (const pool::Endpoint* one : ejected) {
    if (!pool.ejected.contains(one)) quota.take_anyway();
  }
  for (const pool::Endpoint* one : pool.ejected) {
    if (!ejected.contains(one)) quota.give_back();
  }
  pool.ejected = std::move(ejected);
  pool::EjectionLimit limit = pool::limit_ejections(candidates, passive.max_ejected);
  quota.set_limit(limit.out, limit.ejects);
  return serials;
}

void Publisher::index_endpoints() {
  members_of_.clear();
  for (const auto& [name, pool] : pools_) {
    for (std::uint32_t i = 0; i < pool->members.size(); ++i) {
      members_of_[pool->members[i].endpoint.get()].emplace_back(pool.get(), i);
    }
  }
}

void Publisher::endpoint_changed(const pool::Endpoint& endpoint) {
  auto found = members_of_.find(&endpoint);
  if (found == members_of_.end()) return;
  for (const auto& [pool, index] : found->second) pool->dirty = dirty_ = true;
}

void Publisher::endpoint_returned(const pool::Endpoint& endpoint, base::TimePoint now) {
  auto found = members_of_.find(&endpoint);
  if (found == members_of_.end()) return;
  for (const auto& [pool, index] : found->second) {
    pool->members[index].record->usable_since = now;
    pool->dirty = dirty_ = true;
  }
}

void Publisher::place_taken(std::string_view pool_name, const worker::PoolRuntime& runtime,
                            const pool::Endpoint& endpoint) {
  auto found = pools_.find(pool_name);
  if (found == pools_.end() || found->second->runtime.get() != &runtime) return;
  // A set that was built in the meantime has taken one already.
  if (!found->second->ejected.insert(&endpoint).second) found->second->runtime->ejections.give_back();
  found->second->dirty = dirty_ = true;
}

Publisher::MemberView Publisher::view_of(const PoolRecord& pool, const Member& member) {
  const BackendRecord& record = *member.record;
  return {.backend = record.backend,
          .endpoint = member.endpoint,
          .is_own = record.pools.front() == &pool,
          .takes_new_work = record.backend->takes_new_work() && record.share().weight > 0};
}

void Publisher::for_each_member(const pool::Endpoint& endpoint,
                                const std::function<void(const config::Pool&, const MemberView&)>& visit) const {
  auto found = members_of_.find(&endpoint);
  if (found == members_of_.end()) return;
  for (const auto& [pool, index] : found->second) visit(*pool->config, view_of(*pool, pool->members[index]));
}

void Publisher::for_each_pool(const std::function<void(const std::shared_ptr<const config::Pool>&, worker::PoolRuntime&,
                                                       std::span<const MemberView>)>& visit) const {
  std::vector<MemberView> views;
  for (const auto& [name, pool] : pools_) {
    views.clear();
    views.reserve(pool->members.size());
    for (const Member& member : pool->members) views.push_back(view_of(*pool, member));
    visit(pool->config, *pool->runtime, views);
  }
}

std::shared_ptr<pool::Endpoint> Publisher::endpoint_of(const BackendKey& key) const {
  auto found = backends_.find(key);
  return found == backends_.end() ? nullptr : found->second->endpoint;
}

}  // namespace weir::control
