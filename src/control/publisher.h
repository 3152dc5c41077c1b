// Turns the effective configuration, the states of backends and their addresses into snapshots for the workers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "control/effective.h"
#include "health/prober.h"
#include "metrics/registry.h"
#include "pool/backend.h"
#include "pool/eligibility.h"
#include "pool/endpoints.h"
#include "worker/snapshot.h"

namespace weir::control {

// Everything is called on the control thread, and every callback is called there.
class Publisher {
 public:
  struct Options {
    std::uint32_t workers = 1;
    metrics::Registry* registry = nullptr;  // outlives the publisher
    // Changes of health and addresses are gathered for this long after a snapshot before the next one.
    base::Nanoseconds gather = std::chrono::milliseconds(20);
    // The addresses of a host that is a name, with that port; null while it has not been resolved.
    std::function<std::shared_ptr<const pool::Addresses>(const std::string& host, std::uint16_t port)> resolve;
    // Why the last look-up of the name failed; empty when it did not, or none has ended yet. No function: empty for
    // all.
    std::function<std::string(const std::string& host)> resolve_error = {};
    // The contexts of the listener's handshakes, or null; the same object as long as nothing changed. No function:
    // null for all.
    std::function<std::shared_ptr<const tls::ServerContexts>(const config::Listener&)> listener_tls = {};
    std::function<std::shared_ptr<const tls::ClientContexts>(const config::Pool&)> pool_tls = {};  // likewise
    // The same for probes of the pool's backends. No function: as traffic.
    std::function<std::shared_ptr<const tls::ClientContexts>(const config::Pool&)> probe_tls = {};
    // The filters of the listener and its routes, or null; likewise.
    std::function<std::shared_ptr<const filter::Chains>(const config::Listener&)> listener_filters = {};
    std::function<void(std::shared_ptr<const worker::Snapshot>)> publish;
    // The backend takes no new work from now on (draining or disabled, or removed when `removed`). What is in progress
    // there after `timeout` is to be closed.
    std::function<void(const std::shared_ptr<pool::Backend>&, config::Duration timeout, bool removed)> leave;
  };

  explicit Publisher(Options options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Takes over a validated configuration and publishes at once. Backends with the same pool, id, host and port stay the
  // same objects; pools and listeners that did not change are shared with the last snapshot. `drain_timeout` overrides
  // the pools' own for the backends that leave with this change.
  void apply(const Effective& effective, base::TimePoint now, std::optional<config::Duration> drain_timeout = {});

  // Work in progress on a backend that is draining is closed `timeout` from now, whatever was said before. Ignored
  // for any other.
  void drain_again(const BackendKey& key, config::Duration timeout);

  // The probes' verdict (unknown, healthy or unhealthy) on a backend. Ignored for one that is no longer configured.
  void set_health(const pool::Backend& backend, pool::BackendState probed, base::TimePoint now);
  // The words of the backend's agent have another effect. Ignored for one that is no longer configured.
  void set_agent(const pool::Backend& backend, const health::AgentVerdict& verdict, base::TimePoint now);
  // The name `host` resolves to something else now, or not at all.
  void addresses_changed(std::string_view host);
  // The endpoint was ejected, or is half-open now: the sets of its pools are stale.
  void endpoint_changed(const pool::Endpoint& endpoint);
  // The endpoint is in again: slow start begins for its backends.
  void endpoint_returned(const pool::Endpoint& endpoint, base::TimePoint now);
  // A worker has taken a place of the pool's quota for the endpoint, which it has ejected.
  void place_taken(std::string_view pool_name, const worker::PoolRuntime& runtime, const pool::Endpoint& endpoint);
  // Whatever else makes the pool's set stale.
  void mark_dirty(std::string_view pool_name);
  // Publishes if something changed and enough time has passed since the last snapshot, or a slow start is due a step.
  // True if it did. Call it every few seconds in any case: it also forgets the metrics of what has left for good.
  bool maybe_publish(base::TimePoint now);
  // Publishes what has changed without waiting for more: before somebody is shown it.
  void publish_changes(base::TimePoint now);
  // Whether something changed since the last snapshot.
  bool has_changes() const { return dirty_; }
  // When maybe_publish() has something to do, or nothing.
  std::optional<base::TimePoint> next_due() const;

  // Null when it is not configured.
  std::shared_ptr<pool::Backend> find(const BackendKey& key) const;
  // Since when a backend is in its state (0: it is not configured), and why the last look-up of its name failed.
  struct Standing {
    std::int64_t since_unix_ms = 0;
    std::string name_error{};
    // The agent's words where the state is due to them: "agent: drain"; else empty.
    std::string by_agent{};
    // The share of the work after what the agent has said: `weight` is the one that an agent or operator gives.
    double effective_weight = 0;
  };
  Standing standing(const BackendKey& key) const;
  // A backend of a pool, its own or one that a routing rule borrows.
  struct MemberView {
    const std::shared_ptr<pool::Backend>& backend;
    const std::shared_ptr<pool::Endpoint>& endpoint;
    bool is_own;
    bool takes_new_work;  // as far as an operator, the configuration and an agent say; nor is its weight 0
  };
  // Calls `visit` with every pool and all its backends.
  void for_each_pool(const std::function<void(const std::shared_ptr<const config::Pool>&, worker::PoolRuntime&,
                                              std::span<const MemberView>)>& visit) const;
  // Calls `visit` with every backend that has the endpoint, and the pool that has it there.
  void for_each_member(const pool::Endpoint& endpoint,
                       const std::function<void(const config::Pool&, const MemberView&)>& visit) const;
  // Belongs to its own pool; null when it is not configured.
  std::shared_ptr<pool::Endpoint> endpoint_of(const BackendKey& key) const;
  // Calls `visit` with every backend and its labels (pool, backend) as a metric has them, in no certain order.
  void for_each_backend(const std::function<void(const pool::Backend&, const std::string& labels)>& visit) const;
  // The same with what its agent has said, for those whose agent has said something.
  void for_each_agent(const std::function<void(const health::AgentVerdict&, double weight_ratio,
                                               const std::string& labels)>& visit) const;
  // Every backend once, with what the prober must know of it.
  std::vector<health::WatchedBackend> watched() const;
  // Grows with every apply(): tells whether watched() may have changed.
  std::uint64_t generation() const { return generation_; }
  // The last one published; null before the first apply().
  std::shared_ptr<const worker::Snapshot> snapshot() const { return snapshot_; }

 private:
  struct BackendRecord;
  struct PoolRecord;
  struct ListenerRecord;
  struct Member;

  // A removed object. Its metrics stay until nothing refers to it any more: work may still be in progress there.
  struct Departed {
    std::weak_ptr<const void> object;
    std::string kind;  // the label: "pool", "backend"
    std::string name;
    std::string pool;  // of a backend
  };
  // As a listener was before it was changed or removed, with what metrics say of it. Work may still be in progress with
  // each of them.
  struct FormerListener {
    explicit FormerListener(const std::shared_ptr<const worker::ListenerSnapshot>& built);
    std::weak_ptr<const void> object;
    std::string name;
    std::vector<std::string> routes;
  };

  void update_backends(const Effective& effective, base::TimePoint now, std::optional<config::Duration> drain_timeout);
  void update_backend(const config::Pool& pool, const config::Backend& wanted, const Override& by_operator,
                      base::TimePoint now, std::optional<config::Duration> drain_timeout);
  void forget_unwanted(std::optional<config::Duration> drain_timeout);
  void update_pools(const Effective& effective);
  void update_members(PoolRecord& record, const config::Pool& wanted, const std::vector<BackendKey>* borrowed);
  void update_listeners(const Effective& effective);
  void update_state(BackendRecord& record, base::TimePoint now, std::optional<config::Duration> drain_timeout);
  void mark_pools_of(const BackendRecord& record);
  void look_up(BackendRecord& record) const;
  void index_endpoints();
  static MemberView view_of(const PoolRecord& pool, const Member& member);
  void build_pool(PoolRecord& pool, base::TimePoint now);
  pool::BackendEntry entry_of(PoolRecord& pool, std::uint32_t member, std::uint32_t ejection, base::TimePoint now);
  std::vector<std::uint32_t> limit_ejections(PoolRecord& pool, std::span<pool::Candidate> candidates) const;
  void forget_metrics();
  void forget_listener_metrics();
  void publish(base::TimePoint now);

  Options options_;
  std::map<BackendKey, std::unique_ptr<BackendRecord>> backends_;
  pool::Endpoints endpoints_;
  std::map<std::string, std::unique_ptr<PoolRecord>, std::less<>> pools_;
  // By endpoint: the pools that have it, each with the index of the member.
  std::unordered_map<const pool::Endpoint*, std::vector<std::pair<PoolRecord*, std::uint32_t>>> members_of_;
  std::map<std::string, std::unique_ptr<ListenerRecord>, std::less<>> listeners_;  // by name
  std::vector<Departed> departed_;
  std::vector<FormerListener> former_listeners_;
  std::shared_ptr<const config::Config> config_;
  persist::StickyKey sticky_key_{};
  std::shared_ptr<const worker::Snapshot> snapshot_;
  std::uint32_t next_listener_id_ = 0;
  std::uint64_t generation_ = 0;  // of apply(): tells records that are still wanted
  bool dirty_ = false;
  base::TimePoint last_published_{};
};

}  // namespace weir::control
