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
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto& [record, endpoint] = pool.members[i];
    const pool::EjectionState state = passive.enabled ? endpoint->ejection() : pool::EjectionState();
    const bool is_own = record->pools.front() == &pool;
    if (is_own) record->backend->ejected.store(!state.is_in(), std::memory_order_relaxed);
    if (!passive.enabled) continue;
    record->backend->traffic.keep(options_.workers);
    if (state.phase() == pool::EjectionState::Phase::ejected) serials[i] = state.serial();
    candidates[i].ejection = state;
    candidates[i].by_operator = endpoint->ejected_by_operator;
    if (!state.is_in()) ejected.insert(endpoint.get());
  }
  pool::EjectionQuota& quota = pool.runtime->ejections;
  for (const pool::Endpoint* one : ejected) {
    if (!pool.ejected.contains(one)) quota.take_anyway();
  }
  for (const pool::Endpoint* one : pool.ejected) {
    if (!ejected.contains(one)) quota.give_back();
  }
  pool.ejected = std::move(ejected);
  quota.set_limit(pool::limit_ejections(candidates, passive.max_ejected).out);
  return serials;
}

void Publisher::endpoint_changed(const pool::Endpoint& endpoint) {
  for (auto& [name, pool] : pools_) {
    auto is_it = [&](const Member& member) { return member.endpoint.get() == &endpoint; };
    if (std::ranges::any_of(pool->members, is_it)) pool->dirty = dirty_ = true;
  }
}

void Publisher::endpoint_returned(const pool::Endpoint& endpoint, base::TimePoint now) {
  for (auto& [name, pool] : pools_) {
    for (const Member& member : pool->members) {
      if (member.endpoint.get() != &endpoint) continue;
      member.record->usable_since = now;
      pool->dirty = dirty_ = true;
    }
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

void Publisher::for_each_pool(
    const std::function<void(const config::Pool&, worker::PoolRuntime&, std::span<const MemberView>)>& visit) const {
  std::vector<MemberView> views;
  for (const auto& [name, pool] : pools_) {
    views.clear();
    views.reserve(pool->members.size());
    for (const auto& [record, endpoint] : pool->members) {
      views.push_back({record->backend, endpoint, record->pools.front() == pool.get()});
    }
    visit(*pool->config, *pool->runtime, views);
  }
}

std::shared_ptr<pool::Endpoint> Publisher::endpoint_of(const BackendKey& key) const {
  auto found = backends_.find(key);
  return found == backends_.end() ? nullptr : found->second->endpoint;
}

}  // namespace weir::control
