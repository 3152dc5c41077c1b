// The immutable configuration that a worker reads. Control builds it; workers swap it whole and never edit it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "balance/strategy.h"
#include "config/config.h"
#include "metrics/registry.h"
#include "persist/method.h"
#include "pool/backend.h"
#include "route/name_table.h"
#include "route/table.h"
#include "tls/client_context.h"
#include "tls/server_context.h"
#include "worker/pool_runtime.h"

namespace weir::filter {
class Chains;
}

namespace weir::worker {

inline constexpr std::uint32_t kNoPool = UINT32_MAX;

// A pool as one snapshot sees it. Unchanged pools are shared between snapshots.
struct PoolSnapshot {
  std::shared_ptr<const config::Pool> config;
  std::shared_ptr<PoolRuntime> runtime;  // the same for a pool of that name over all snapshots
  pool::BackendSet eligible;             // in configuration order; what `strategy` was built from
  // Half-open backends, each for one request that tries it. Indexes from eligible.size() on name them.
  pool::BackendSet trials;
  // The pools by whose rules those of `trials` were ejected; null: an operator's word, or not known.
  std::vector<std::shared_ptr<const config::Pool>> ejected_by;
  // Both sets, where there are trials and a method: what `method` was built from in place of `eligible`.
  pool::BackendSet sticky_set;
  std::unique_ptr<balance::Strategy> strategy;
  std::shared_ptr<const tls::ClientContexts> tls;  // to the backends; null: none
  balance::HashKeySource hash_key;                 // strategy->hash_key(), asked once
  std::unique_ptr<persist::Method> method;         // how clients stay with their backends; null: they do not
  // True while fewer than min_healthy are healthy and unhealthy backends are used as well.
  bool degraded = false;
  std::string why_none;  // takes work; empty where some do
  // Of the answers that the pool takes for failures: pools with the same number take the same.
  std::uint32_t failure_rules = 0;

  bool is_trial(std::uint32_t index) const { return index >= eligible.size(); }
  const pool::BackendEntry& entry(std::uint32_t index) const {
    return is_trial(index) ? trials[index - eligible.size()] : eligible[index];
  }
};

// A listener as one snapshot sees it. Unchanged listeners are shared between snapshots, so a changed pool does not
// compile routes again.
struct ListenerSnapshot {
  std::shared_ptr<const config::Listener> config;
  std::uint32_t id = 0;  // the same for a listener of the same name and address over all snapshots
  std::unique_ptr<route::Table> routes;
  std::shared_ptr<const tls::ServerContexts> tls;  // null: clients speak no TLS
  std::shared_ptr<const filter::Chains> filters;   // null: neither the listener nor a route has any
  std::unique_ptr<route::NameTable> names;         // of a tls listener only
};

struct Snapshot {
  std::uint64_t version = 0;
  config::Timeouts timeouts;
  std::uint32_t max_connections = 0;
  std::vector<std::shared_ptr<const PoolSnapshot>> pools;
  std::vector<std::shared_ptr<const ListenerSnapshot>> listeners;
  // Per listener: the index in `pools` of each of its routes (kNoPool for redirects and fixed responses), then of its
  // default pool as the last element.
  std::vector<std::vector<std::uint32_t>> pool_of_route;
};

}  // namespace weir::worker
