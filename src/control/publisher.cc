#include "control/publisher.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "config/listen_address.h"
#include "control/publisher_records.h"
#include "pool/eligibility.h"
#include "pool/slow_start.h"

namespace weir::control {
namespace {

// Where the pool of each route of `listener` is, then that of its default.
std::vector<std::uint32_t> pool_indexes(const config::Listener& listener,
                                        const std::unordered_map<std::string_view, std::uint32_t>& index_of) {
  std::vector<std::uint32_t> indexes;
  indexes.reserve(listener.routes.size() + 1);
  auto find = [&](const std::string& name) {
    auto found = index_of.find(name);
    return found == index_of.end() ? worker::kNoPool : found->second;
  };
  for (const config::Route& route : listener.routes) indexes.push_back(find(route.pool));
  indexes.push_back(find(listener.pool));
  return indexes;
}

// The pools that UDP listeners use and no other kind does.
std::set<std::string_view> pools_of_datagrams(const config::Config& config) {
  std::set<std::string_view> of_datagrams;
  for (const config::Listener& listener : config.listeners) {
    if (listener.protocol == config::ListenerProtocol::udp) of_datagrams.insert(listener.pool);
  }
  if (of_datagrams.empty()) return of_datagrams;
  for (const config::Listener& listener : config.listeners) {
    if (listener.protocol == config::ListenerProtocol::udp) continue;
    of_datagrams.erase(listener.pool);
    for (const config::Route& route : listener.routes) of_datagrams.erase(route.pool);
  }
  return of_datagrams;
}

pool::EndpointProtocol protocol_of(const config::Pool& pool, bool only_datagrams) {
  bool has_tls = pool.tls && pool.tls->enabled;
  return {.transport = only_datagrams ? pool::Transport::datagrams : pool::Transport::stream,
          .protocol = pool.protocol,
          .tls = has_tls ? pool.tls : std::nullopt,
          .proxy_protocol = pool.proxy_protocol,
          .transparent = pool.transparent};
}

// The same for the same rules; not 0, nor Endpoint::kNoAnswers.
std::uint32_t number_of(const config::FailureRules& rules) {
  std::uint64_t mixed = base::mix(rules.status_set.hash() ^ base::mix(rules.grpc_mask));
  return static_cast<std::uint32_t>(mixed % (pool::Endpoint::kNoAnswers - 1)) + 1;
}

}  // namespace

Publisher::Publisher(Options options) : options_(std::move(options)) {}
Publisher::~Publisher() = default;

void Publisher::apply(const Effective& effective, base::TimePoint now, std::optional<config::Duration> drain_timeout) {
  ++generation_;
  update_backends(effective, now, drain_timeout);
  update_pools(effective);
  update_listeners(effective);
  endpoints_.forget_unused();
  config_ = effective.config;
  if (sticky_key_ != effective.sticky_key) {
    sticky_key_ = effective.sticky_key;
    for (auto& [name, pool] : pools_) {
      if (pool->config->sticky.is_on()) pool->dirty = true;
    }
  }
  publish(now);
}

void Publisher::update_pools(const Effective& effective) {
  for (auto& [key, record] : backends_) record->pools.clear();
  std::set<std::string_view> of_datagrams = pools_of_datagrams(*effective.config);
  // Own pools before those that borrow, so that a backend's first pool is its own.
  for (bool borrowing : {false, true}) {
    for (const config::Pool& wanted : effective.config->pools) {
      auto borrowed = effective.borrowed.find(wanted.name);
      if ((borrowed != effective.borrowed.end()) != borrowing) continue;
      std::unique_ptr<PoolRecord>& record = pools_[wanted.name];
      if (!record) {
        record = std::make_unique<PoolRecord>();
        record->runtime = std::make_shared<worker::PoolRuntime>(wanted.name, options_.workers, *options_.registry);
      }
      if (!record->config || !(*record->config == wanted)) {
        record->config = std::make_shared<const config::Pool>(wanted);
        record->failure_rules = number_of(wanted.passive.failure);
        record->dirty = true;
      }
      std::shared_ptr<const tls::ClientContexts> tls;
      if (options_.pool_tls) tls = options_.pool_tls(wanted);
      if (record->tls != tls) record->dirty = true;
      record->tls = std::move(tls);
      record->generation = generation_;
      pool::EndpointProtocol protocol = protocol_of(wanted, of_datagrams.contains(wanted.name));
      if (record->protocol == nullptr || *record->protocol != protocol) {
        record->protocol = std::make_shared<const pool::EndpointProtocol>(std::move(protocol));
      }
      update_members(*record, wanted, borrowing ? &borrowed->second : nullptr);
    }
  }
  std::erase_if(pools_, [this](const auto& entry) {
    if (entry.second->generation == generation_) return false;
    departed_.push_back({entry.second->runtime, "pool", entry.first, {}});
    return true;
  });
  index_endpoints();
}

// `borrowed`: the backends of a pool that has none of its own; null for others.
void Publisher::update_members(PoolRecord& record, const config::Pool& wanted,
                               const std::vector<BackendKey>* borrowed) {
  std::vector<Member> members;
  members.reserve(wanted.backends.size());
  for (std::size_t i = 0; i < wanted.backends.size(); ++i) {
    const config::Backend& backend = wanted.backends[i];
    BackendRecord& member = *backends_.at(borrowed != nullptr ? (*borrowed)[i] : BackendKey{wanted.name, backend.id});
    members.push_back({&member, endpoints_.get({backend.host, backend.port, record.protocol})});
    member.pools.push_back(&record);
    if (borrowed == nullptr) member.endpoint = members.back().endpoint;
  }
  if (members != record.members) record.dirty = true;
  record.members = std::move(members);
}

void Publisher::update_listeners(const Effective& effective) {
  for (const config::Listener& wanted : effective.config->listeners) {
    std::unique_ptr<ListenerRecord>& record = listeners_[wanted.name];
    if (!record) record = std::make_unique<ListenerRecord>();
    record->generation = generation_;
    std::shared_ptr<const tls::ServerContexts> tls;
    if (options_.listener_tls) tls = options_.listener_tls(wanted);
    std::shared_ptr<const filter::Chains> filters;
    if (options_.listener_filters) filters = options_.listener_filters(wanted);
    bool is_same = record->built && *record->built->config == wanted && record->built->tls == tls;
    if (is_same && record->built->filters == filters) continue;
    bool same_socket = record->built && config::same_sockets(*record->built->config, wanted);
    auto built = std::make_shared<worker::ListenerSnapshot>();
    built->config = std::make_shared<const config::Listener>(wanted);
    built->id = same_socket ? record->built->id : next_listener_id_++;
    built->routes = route::Table::compile(*built->config);
    built->tls = std::move(tls);
    built->filters = std::move(filters);
    if (wanted.protocol == config::ListenerProtocol::tls) {
      built->names = std::make_unique<route::NameTable>(*built->config);
    }
    if (record->built) former_listeners_.emplace_back(record->built);
    record->built = std::move(built);
  }
  std::erase_if(listeners_, [this](const auto& entry) {
    if (entry.second->generation == generation_) return false;
    former_listeners_.emplace_back(entry.second->built);
    return true;
  });
}

Publisher::FormerListener::FormerListener(const std::shared_ptr<const worker::ListenerSnapshot>& built)
    : object(built), name(built->config->name) {
  routes.reserve(built->config->routes.size());
  for (const config::Route& route : built->config->routes) routes.push_back(route.name);
}

// Metrics of listeners and routes that are gone, neither configured nor with work that goes on.
void Publisher::forget_listener_metrics() {
  std::set<std::string> listeners, routes;
  std::erase_if(former_listeners_, [&](FormerListener& former) {
    if (!former.object.expired()) return false;
    listeners.insert(std::move(former.name));
    for (std::string& name : former.routes) routes.insert(std::move(name));
    return true;
  });
  if (listeners.empty()) return;
  for (const FormerListener& former : former_listeners_) {
    listeners.erase(former.name);
    for (const std::string& name : former.routes) routes.erase(name);
  }
  for (const auto& [name, listener] : listeners_) {
    listeners.erase(name);
    for (const config::Route& route : listener->built->config->routes) routes.erase(route.name);
  }
  for (const std::string& name : listeners) options_.registry->release("listener", name);
  for (const std::string& name : routes) options_.registry->release("route", name);
}

pool::BackendEntry Publisher::entry_of(PoolRecord& pool, std::uint32_t member, std::uint32_t ejection,
                                       base::TimePoint now) {
  const auto& [record, endpoint] = pool.members[member];
  std::uint32_t percent = 100;
  if (record->usable_since) percent = pool::slow_start_percent(now - *record->usable_since, pool.config->slow_start);
  if (percent < 100) pool.ramp_due = now + pool::slow_start_step(pool.config->slow_start);
  BackendRecord::Share share = record->share();
  return {.backend = record->backend,
          .endpoint = endpoint,
          .addresses = record->addresses,
          .weight = share.weight,
          .max_connections = record->connection_limit(),
          .slow_start_percent = std::max(1u, percent * share.percent / 100),
          .used_though_ejected = ejection};
}

void Publisher::build_pool(PoolRecord& pool, base::TimePoint now) {
  std::vector<pool::Candidate> candidates;
  candidates.reserve(pool.members.size());
  for (const auto& [record, endpoint] : pool.members) {
    candidates.push_back({.state = record->backend->state.load(std::memory_order_relaxed),
                          .weight = record->share().weight,
                          .has_address = record->addresses && !record->addresses->empty(),
                          .is_pending = record->backend->name_state.load() == pool::NameState::pending});
  }
  const std::vector<std::uint32_t> ejections = limit_ejections(pool, candidates);
  pool::Eligibility eligibility = pool::eligible(candidates, pool.config->min_healthy);

  auto built = std::make_shared<worker::PoolSnapshot>();
  built->config = pool.config;
  built->runtime = pool.runtime;
  built->tls = pool.tls;
  built->degraded = eligibility.degraded;
  if (eligibility.indexes.empty()) built->why_none = pool::why_none_is_eligible(candidates);
  built->failure_rules = pool.failure_rules;
  built->eligible.reserve(eligibility.indexes.size());
  pool.ramp_due.reset();
  for (std::uint32_t index : eligibility.indexes) {
    built->eligible.push_back(entry_of(pool, index, ejections[index], now));
  }
  for (std::uint32_t index : eligibility.trials) {
    built->trials.push_back(entry_of(pool, index, pool::BackendEntry::kNotEjected, now));
    built->ejected_by.push_back(pool.members[index].endpoint->ejected_by);
  }
  bool same_algorithm = pool.built && pool.built->config->algorithm == pool.config->algorithm;
  built->strategy = balance::make_strategy(pool.config->algorithm, built->eligible,
                                           same_algorithm ? pool.built->strategy.get() : nullptr);
  built->hash_key = built->strategy->hash_key();
  if (pool.config->sticky.is_on()) {
    const bool has_trials = !built->trials.empty();
    if (has_trials) built->sticky_set = built->eligible;
    std::ranges::copy(built->trials, std::back_inserter(built->sticky_set));
    const pool::BackendSet& backends = has_trials ? built->sticky_set : built->eligible;
    built->method = persist::make_method(pool.config->sticky.method,
                                         {.pool = pool.config->name, .backends = backends, .key = sticky_key_});
  }
  pool.built = std::move(built);
  pool.dirty = false;
}

void Publisher::publish(base::TimePoint now) {
  auto next = std::make_shared<worker::Snapshot>();
  next->version = snapshot_ ? snapshot_->version + 1 : 1;
  next->timeouts = config_->timeouts;
  next->max_connections = config_->max_connections;
  std::unordered_map<std::string_view, std::uint32_t> index_of;
  for (const config::Pool& pool : config_->pools) {
    PoolRecord& record = *pools_.at(pool.name);
    if (record.dirty || (record.ramp_due && *record.ramp_due <= now)) build_pool(record, now);
    index_of.emplace(pool.name, static_cast<std::uint32_t>(next->pools.size()));
    next->pools.push_back(record.built);
  }
  for (const config::Listener& listener : config_->listeners) {
    next->listeners.push_back(listeners_.at(listener.name)->built);
    next->pool_of_route.push_back(pool_indexes(listener, index_of));
  }
  snapshot_ = std::move(next);
  dirty_ = false;
  last_published_ = now;
  if (options_.publish) options_.publish(snapshot_);
}

void Publisher::mark_dirty(std::string_view pool_name) {
  auto found = pools_.find(pool_name);
  if (found == pools_.end()) return;
  found->second->dirty = true;
  dirty_ = true;
}

std::optional<base::TimePoint> Publisher::next_due() const {
  if (!config_) return {};
  std::optional<base::TimePoint> due;
  if (dirty_) due = last_published_ + options_.gather;
  for (const auto& [name, pool] : pools_) {
    if (pool->ramp_due && (!due || *pool->ramp_due < *due)) due = pool->ramp_due;
  }
  return due;
}

void Publisher::forget_metrics() {
  forget_listener_metrics();
  std::erase_if(departed_, [this](const Departed& departed) {
    if (!departed.object.expired()) return false;
    bool is_back =
        departed.kind == "pool" ? pools_.contains(departed.name) : backends_.contains({departed.pool, departed.name});
    if (is_back) return true;
    if (departed.pool.empty()) {
      options_.registry->release(departed.kind, departed.name);
    } else {
      options_.registry->release(departed.kind, departed.name, "pool", departed.pool);
    }
    return true;
  });
}

void Publisher::publish_changes(base::TimePoint now) {
  if (config_ && dirty_) publish(now);
}

bool Publisher::maybe_publish(base::TimePoint now) {
  forget_metrics();
  std::optional<base::TimePoint> due = next_due();
  if (!due || *due > now) return false;
  publish(now);
  return true;
}

}  // namespace weir::control
