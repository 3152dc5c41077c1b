// The admin API as a function from request to response. The network is admin_server.h's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/message.h"
#include "base/clock.h"
#include "config/config.h"
#include "control/catalog.h"
#include "control/certificates.h"
#include "control/delivery.h"
#include "control/ejections.h"
#include "control/event_log.h"
#include "control/file_reload.h"
#include "control/publisher.h"
#include "health/prober.h"
#include "metrics/registry.h"
#include "net/task.h"

namespace weir::api {

struct ApiState;

// Control thread only. No call blocks; a change may wait for its turn, for the store and for
// the workers.
class Api {
 public:
  // Whatever is referred to outlives the API.
  struct Parts {
    control::Catalog& catalog;
    control::Publisher& publisher;
    metrics::Registry& registry;
    control::EventLog& events;
    control::Ejections& ejections;
    const base::Clock& clock;
    std::string load_balancer_id;
    std::string version;
    // The state of the probes of a backend (health::Prober::details).
    std::function<std::optional<health::HealthDetails>(const pool::Backend&)> health;
    // The state of its agent (health::Prober::agent).
    std::function<std::optional<health::AgentDetails>(const pool::Backend&)> agent = {};
    // True once Weir has been told to stop.
    std::function<bool()> is_draining;
    // Reads the configuration file again and applies it, all or nothing. Null without a file.
    std::function<net::Task<control::Reloaded>()> reload = {};
    // Null: /certificates shows none.
    const control::Certificates* certificates = nullptr;
    // Waits until every worker uses what was changed. Null: nobody waits.
    control::Settle settle = {};
  };

  explicit Api(Parts parts);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  net::Task<ApiResponse> handle(const ApiRequest& request);
  // The answer of handle() to a caller who may not make this call, whatever its body, which need not be there yet.
  std::optional<ApiResponse> refusal(const ApiRequest& request);
  // Called about once a second, for rates.
  void tick();

 private:
  std::unique_ptr<ApiState> state_;
};

}  // namespace weir::api
