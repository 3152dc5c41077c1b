// Who may connect to a listener, how often, and how many connections of one client at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "config/config.h"

namespace weir::proxy {

// Why a connection was closed before its session. The names are those of the metric's label.
enum class Refusal : std::uint8_t {
  none,
  limit,               // the listener's connections
  denied,              // by address
  rate,                // new connections per second of the listener
  client_rate,         // of one client
  client_connections,  // of one client at a time
  proxy_header,        // none where one is required, or a malformed one
  client_hello,        // on a tls listener: none, or a malformed one
};
inline constexpr std::size_t kRefusals = 8;
const char* name(Refusal refusal);

// One listener's clients, over all workers; any thread. Clients are told apart by IPv4 address or by the first 64 bits
// of an IPv6 address. What is known of them is bounded: 32,768 clients; with more, those without a connection that
// came longest ago are forgotten, and a client for whom there is no place is not limited.
class Admission {
 public:
  // Whether the listener has any rule about its clients.
  static bool asked_of(const config::Listener& listener) {
    const config::Limits& limits = listener.limits;
    return !listener.allow.empty() || !listener.deny.empty() || limits.connections_per_client > 0 ||
           limits.connection_rate > 0 || limits.client_connection_rate > 0;
  }
  // Whether one more connection, or flow of UDP, may begin. After `none`, and when `counted` was set, leave() must
  // follow at its end.
  Refusal admit(const config::Listener& listener, const base::IpAddress& client, base::TimePoint now, bool& counted);
  void leave(const base::IpAddress& client);

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kPlaces = 512;  // of a shard; a power of two
  static constexpr std::size_t kReach = 16;    // places looked at for one client

  struct Client {
    base::IpAddress address;
    std::uint32_t open = 0;
    bool known = false;
    std::int64_t next_due = 0;  // steady clock, ns: when the next connection would be in step with the rate
  };
  struct Shard {
    std::mutex mutex;  // guards clients
    std::vector<Client> clients;
  };

  std::array<Shard, kShards>& shards();
  static Client* place(Shard& shard, std::uint64_t hash, const base::IpAddress& client, bool make, std::int64_t now);

  std::atomic<std::int64_t> next_due_{0};
  std::once_flag made_;
  std::unique_ptr<std::array<Shard, kShards>> shards_;
};

}  // namespace weir::proxy
