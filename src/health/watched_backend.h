// All that the prober must know of a backend.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/config.h"
#include "pool/backend.h"
#include "tls/client_context.h"

namespace weir::health {

// A backend to keep an eye on.
struct WatchedBackend {
  std::shared_ptr<pool::Backend> backend;
  std::shared_ptr<const config::HealthCheck> check;  // of its pool; shared by the pool's backends
  std::shared_ptr<const pool::Addresses> addresses;  // with the backend's port; null or empty: none is known
  std::string path;                                  // overrides the path of the checker; empty: does not
  std::shared_ptr<const tls::ClientContexts> tls{};  // of its pool; null: none
  std::string name_error{};                          // why the last look-up of its name failed; empty: it did not
  config::PoolProtocol protocol = config::PoolProtocol::http_1_1;  // of its pool
  config::SendProxy proxy_protocol = config::SendProxy::off;       // of its pool
  // Learns which addresses fail. Null only for a backend with one address at most.
  std::shared_ptr<pool::Endpoint> endpoint{};
  std::shared_ptr<const config::Agent> agent{};  // of its pool; null: none
  std::uint16_t agent_port = 0;                  // overrides the agent's; 0: does not
};

}  // namespace weir::health
