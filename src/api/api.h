// The admin API as a function from request to response. The network is admin_server.h's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "control/catalog.h"
#include "control/certificates.h"
#include "control/event_log.h"
#include "control/publisher.h"
#include "health/prober.h"
#include "metrics/registry.h"

namespace weir::api {

// The server refuses larger bodies while they arrive; the API does as well.
inline constexpr std::size_t kMaxBodyBytes = 1024 * 1024;

struct ApiRequest {
  std::string method{};
  std::string path{};   // as received, still percent-encoded, without the query
  std::string query{};  // without the question mark
  // Header fields; empty when they are not there. Several fields of a name are joined by ", ".
  std::string host{};
  std::string origin{};
  std::string if_match{};
  std::string if_none_match{};
  std::string accept{};
  std::string authorization{};
  std::string content_type{};
  std::string last_event_id{};
  std::string body{};
  std::string peer{};          // for the audit: "127.0.0.1:5000", "unix"
  bool peer_is_local = false;  // a loopback address or a unix socket
};

struct ApiResponse {
  int status = 200;
  // Without Content-Length. For HEAD the body is there as for GET: the server sends its length only.
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  // The server keeps the response open and sends after `body` each event after this number, then each new one, with a
  // comment line every 15 s while nothing happens.
  std::optional<std::uint64_t> events_after{};
};

struct ApiState;

// What came of reading the configuration file again.
struct Reloaded {
  config::Faults faults{};                   // of the file; empty: it is applied
  std::vector<std::string> needs_restart{};  // keys whose change takes effect with the next start
};

// Control thread only; no call blocks but for the store.
class Api {
 public:
  // Whatever is referred to outlives the API.
  struct Parts {
    control::Catalog& catalog;
    control::Publisher& publisher;
    metrics::Registry& registry;
    control::EventLog& events;
    const base::Clock& clock;
    std::string load_balancer_id;
    std::string version;
    // What the prober knows of a backend (health::Prober::details).
    std::function<std::optional<health::HealthDetails>(const pool::Backend&)> health;
    // True once Weir has been told to stop.
    std::function<bool()> is_draining;
    // Reads the configuration file again and applies it, all or nothing. Null without a file.
    std::function<Reloaded()> reload = {};
    // Null: /certificates shows none.
    const control::Certificates* certificates = nullptr;
  };

  explicit Api(Parts parts);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  ApiResponse handle(const ApiRequest& request);
  // The answer of handle() to a caller who may not make this call, whatever its body, which need not be there yet.
  std::optional<ApiResponse> refusal(const ApiRequest& request);
  // Called about once a second, for rates.
  void tick();

 private:
  std::unique_ptr<ApiState> state_;
};

}  // namespace weir::api
