// Decides which clients may connect to a listener, how often, and with how many connections at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/cell_rate.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ip.h"
#include "config/config.h"

namespace weir::worker {

// Why a connection was closed before its session. The names are those of the metric's label.
enum class Refusal : std::uint8_t {
  none,
  limit,               // the listener's connections
  max_connections,     // of all listeners, or what the limit on open files allows
  memory,              // there is none for it
  denied,              // by address
  rate,                // new connections per second of the listener
  client_rate,         // of one client
  client_connections,  // of one client at a time
  proxy_header,        // none where one is required, or a malformed one
  client_hello,        // on a tls listener: none, or a malformed one
  client_table,        // a limit of one client, by those together for whom the table of clients has no place
  handshake_rate,      // TLS handshakes per second of one client
};
inline constexpr std::size_t kRefusals = 12;
const char* name(Refusal refusal);
// The key of the configuration that asks for it.
const char* key_of(Refusal refusal);

// By which place a connection is counted; its end must be told to the same one.
enum class Counted : std::uint8_t { no, own, shared };

// One listener's clients, over all workers; any thread. Clients are told apart by IpAddress::subscriber(). What is
// known of them is bounded: 32,768 clients; with more, those without a connection that came longest ago are forgotten.
// Clients for whom there is no place, because others fill it with open connections, share places and are limited as if
// a few of them were one: a full table limits more, never less.
class Admission {
 public:
  // Whether the listener has any rule about its clients.
  static bool asked_of(const config::Listener& listener) {
    const config::Limits& limits = listener.limits;
    return !listener.allow.empty() || !listener.deny.empty() || limits.connections_per_client > 0 ||
           limits.connection_rate > 0 || limits.client_connection_rate > 0;
  }
  // Whether one more connection, or flow of UDP, may begin. When `counted` is not `no`, leave() must follow at its end.
  Refusal admit(const config::Listener& listener, const base::IpAddress& client, base::TimePoint now, Counted& counted);
  void leave(const base::IpAddress& client, Counted counted);

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kPlaces = 512;  // of a shard; a power of two
  static constexpr std::size_t kReach = 16;    // places looked at for one client

  struct Client {
    base::IpAddress address;
    std::uint32_t open = 0;
    bool known = false;
    std::int64_t next_due = 0;  // see CellRate
  };
  struct Shard {
    std::mutex mutex;  // guards the rest
    std::vector<Client> clients;
    Client shared;  // of clients without a place
  };

  std::array<Shard, kShards>& shards();
  std::uint64_t hash_of(const base::IpAddress& client) const;
  static Client* place(Shard& shard, std::uint64_t hash, const base::IpAddress& client, bool make, std::int64_t now);

  const base::HashKey key_ = base::HashKey::random();  // or clients could choose addresses that fill one shard
  std::atomic<std::int64_t> next_due_{0};
  std::once_flag made_;
  std::unique_ptr<std::array<Shard, kShards>> shards_;
};

}  // namespace weir::worker
