// The records that the publisher keeps between snapshots. For publisher*.cc only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "control/publisher.h"

namespace weir::control {

struct Publisher::BackendRecord {
  std::shared_ptr<pool::Backend> backend;
  std::shared_ptr<pool::Endpoint> endpoint;          // by the settings of its own pool
  std::shared_ptr<const pool::Addresses> addresses;  // null: not resolved
  std::string name_error;                            // why the last look-up of its name failed
  bool enabled = true;
  std::uint32_t weight = 1;  // after the override
  std::uint32_t max_connections = 0;
  std::string health_check_path;
  std::uint16_t agent_port = 0;
  Override by_operator;
  pool::BackendState probed = pool::BackendState::unknown;
  health::AgentVerdict agent{};
  config::Duration drain_timeout{0};
  std::int64_t state_since_unix_ms = base::unix_milliseconds();
  // When it became usable, for slow start. Nothing: it takes its full share.
  std::optional<base::TimePoint> usable_since;
  std::vector<PoolRecord*> pools;  // its own first, then those that borrow it
  std::uint64_t generation = 0;
  std::string metric_labels{};  // rendered when first asked for

  // Its weight with the agent's words: `weight`, of which `percent` (1..100) count, so that a weight of 1 can be a part
  // as well. An operator's weight goes before one that the agent gives in place of the configured one.
  struct Share {
    std::uint32_t weight;
    std::uint32_t percent;
  };
  Share share() const;
  std::uint32_t connection_limit() const { return agent.max_connections.value_or(max_connections); }
};

// A backend in a pool, its own or one that borrows it.
struct Publisher::Member {
  BackendRecord* record;
  std::shared_ptr<pool::Endpoint> endpoint;  // by the settings of that pool
  friend bool operator==(const Member&, const Member&) = default;
};

struct Publisher::PoolRecord {
  std::shared_ptr<const config::Pool> config;
  std::shared_ptr<worker::PoolRuntime> runtime;
  std::shared_ptr<const tls::ClientContexts> tls;
  std::shared_ptr<const pool::EndpointProtocol> protocol;
  std::vector<Member> members;      // in the order of the configuration
  std::uint32_t failure_rules = 0;  // a number for `config`'s passive.failure
  // Endpoints for which a place of the runtime's quota of ejections is taken.
  std::set<const pool::Endpoint*> ejected{};
  std::shared_ptr<const worker::PoolSnapshot> built;
  bool dirty = true;
  std::optional<base::TimePoint> ramp_due;  // the next step of a slow start
  std::uint64_t generation = 0;
};

struct Publisher::ListenerRecord {
  std::shared_ptr<const worker::ListenerSnapshot> built;
  std::uint64_t generation = 0;
};

}  // namespace weir::control
