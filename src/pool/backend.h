// A backend as it runs: identity, state and the few counters that all workers share.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "pool/addresses.h"
#include "pool/backend_traffic.h"
#include "pool/connection_places.h"
#include "pool/ejection_reason.h"
#include "pool/endpoint.h"
#include "pool/last_error.h"

namespace weir::pool {

// DESIGN section 1. `disabled` is by an operator; `draining` takes no new work and finishes the old, and so does
// `not_ready`, which is alive and says that it wants none.
enum class BackendState : std::uint8_t { unknown, healthy, unhealthy, draining, disabled, not_ready };
const char* name(BackendState state);

// Whether a backend in that state may get work that it is not at already, as far as an operator or the configuration
// says; its health is another matter.
constexpr bool takes_new_work(BackendState state) {
  return state != BackendState::draining && state != BackendState::disabled;
}

// The state of a backend's addresses: `pending` until the first look-up of its name has ended.
enum class NameState : std::uint8_t { known, pending, failed };

// Lives as long as anything refers to it: snapshots, connections, statistics. The same backend (pool, id, host and port
// unchanged) stays the same object over every change of configuration, so its counters and connections survive.
// Counters are relaxed atomics, each group on its own cache line, written by workers; identity is immutable.
class Backend {
 public:
  Backend(std::string pool_name, std::string id, std::string host, std::uint16_t port);
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  ~Backend();

  const std::string& pool_name() const { return pool_name_; }
  const std::string& id() const { return id_; }
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }
  // A small dense number, unique among living backends, for tables indexed by backend.
  std::uint32_t slot() const { return slot_; }

  // Written by the control thread only.
  std::atomic<BackendState> state{BackendState::unknown};
  bool takes_new_work() const { return pool::takes_new_work(state.load(std::memory_order_relaxed)); }
  // The backend is draining, disabled or removed, its time is over, and all that was in progress there was closed.
  std::atomic<bool> cut_off{false};
  // Written by the control thread, before the snapshot that says the same.
  std::atomic<NameState> name_state{NameState::known};

  // Exchanges or connections in progress here, over all workers.
  alignas(64) std::atomic<std::uint32_t> in_flight{0};
  // The number of the last pick that chose this backend, for ties (strategy-defined).
  std::atomic<std::uint32_t> last_picked{0};
  // Peak-EWMA latency estimate in nanoseconds (0: none yet) and when it was taken, packed by balance/latency.h.
  std::atomic<std::uint64_t> latency_estimate{0};

  // Connections to it over all workers, busy and idle, and exchanges that wait for one.
  alignas(64) ConnectionPlaces places;

  // For a backend with several addresses: counts connections opened to it, so that each address has its turn whichever
  // worker opens.
  std::atomic<std::uint32_t> next_address{0};

  alignas(64) std::atomic<std::uint64_t> total_requests{0};
  std::atomic<std::uint64_t> failed_requests{0};
  // The causes of those failures, by base::ErrorCode.
  static constexpr std::size_t kReasons = static_cast<std::size_t>(base::ErrorCode::io) + 1;
  std::array<std::atomic<std::uint32_t>, kReasons> failures{};
  LastError last_error;
  // Results of its traffic, where somebody asks for them.
  BackendTraffic traffic;
  // Written by the control thread: how often it was ejected, by EjectionReason, and whether it is now, or waits for its
  // trial.
  std::array<std::atomic<std::uint32_t>, kEjectionReasons.size()> ejections{};
  std::atomic<bool> ejected{false};
  void count_failure(const base::Error& why, std::int64_t unix_ms) {
    failed_requests.fetch_add(1, std::memory_order_relaxed);
    failures[static_cast<std::size_t>(why.code)].fetch_add(1, std::memory_order_relaxed);
    last_error.note(why, unix_ms);
  }

 private:
  std::string pool_name_;
  std::string id_;
  std::string host_;
  std::uint16_t port_;
  std::uint32_t slot_;
};

// One backend as a snapshot offers it.
struct BackendEntry {
  std::shared_ptr<Backend> backend;
  // By the settings of the pool that the snapshot is of. Null only in sets that nothing connects by.
  std::shared_ptr<Endpoint> endpoint{};
  std::shared_ptr<const Addresses> addresses;  // null while the first look-up of the name is under way
  std::uint32_t weight = 1;                    // after an operator's override; > 0 when eligible
  std::uint32_t max_connections = 0;
  // How much of `weight` counts, 1..100, from slow_start.h and an agent's words. Apart from it so that a weight of 1
  // can ramp as well and that a hash ring, whose points are per unit of weight, keeps those of the other backends.
  std::uint32_t slow_start_percent = 100;
  // The serial of the endpoint's ejection, where the backend is used in spite of it: too few others are left, or may be
  // out.
  static constexpr std::uint32_t kNotEjected = UINT32_MAX;
  std::uint32_t used_though_ejected = kNotEjected;
};
static_assert(sizeof(BackendEntry) == 64, "picks index arrays of them");

// The eligible backends of a pool, immutable, in the order of the configuration. A strategy is built from it.
using BackendSet = std::vector<BackendEntry>;

}  // namespace weir::pool
