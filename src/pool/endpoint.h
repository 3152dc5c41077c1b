// An endpoint: where a backend is reached and how connections to it are made, with what live traffic has learnt of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "config/config.h"
#include "pool/addresses.h"

namespace weir::pool {

enum class Transport : std::uint8_t { stream, datagrams };

// All that a pool's configuration says about connections to its backends. Two pools with the same one fail at a backend
// in the same way.
struct EndpointProtocol {
  Transport transport = Transport::stream;
  config::PoolProtocol protocol = config::PoolProtocol::http_1_1;
  std::optional<config::PoolTls> tls{};  // nothing: no TLS
  config::SendProxy proxy_protocol = config::SendProxy::off;
  bool transparent = false;
  friend bool operator==(const EndpointProtocol&, const EndpointProtocol&) = default;
};

struct EndpointIdentity {
  std::string host;  // address or name, as configured
  std::uint16_t port = 0;
  // Never null. Shared by the backends of a pool.
  std::shared_ptr<const EndpointProtocol> protocol = std::make_shared<const EndpointProtocol>();

  // The hash of host and port.
  std::size_t hash() const;
  // Compares the protocols by value.
  friend bool operator==(const EndpointIdentity& one, const EndpointIdentity& other);
};

// Shared by the backends of all pools that reach the same server in the same way: a failure that one pool has met
// counts for the others at once. Lives as long as a snapshot or the prober refers to it. Any thread: identity is
// immutable, state is relaxed atomics that workers and the prober write, and that are seldom written.
class Endpoint {
 public:
  // So many connections that fail in a row suspend the endpoint, and for so long (docs/decisions/0001).
  static constexpr std::uint32_t kFailuresToSuspend = 3;
  static constexpr base::Nanoseconds kSuspension = std::chrono::seconds(1);

  explicit Endpoint(EndpointIdentity identity) : identity_(std::move(identity)) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const EndpointIdentity& identity() const { return identity_; }

  // Whether picks pass over it at `now`: sooner than any verdict of the health checks can reach the snapshots, and for
  // pools that have none.
  bool is_suspended(base::TimePoint now) const {
    std::int64_t until = suspended_until_.load(std::memory_order_relaxed);
    return until != 0 && until > now.time_since_epoch().count();
  }
  // How opening a connection to it went. A success ends the row of failures and the suspension.
  void connected();
  void connect_failed(base::TimePoint now);

  // The failures of its addresses, where its host is a name with several.
  FailedAddresses failed_addresses;

 private:
  std::atomic<std::int64_t> suspended_until_{0};  // steady clock, ns
  std::atomic<std::uint32_t> consecutive_connect_failures_{0};
  const EndpointIdentity identity_;
};

}  // namespace weir::pool
