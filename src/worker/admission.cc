#include "worker/admission.h"

#include <algorithm>

namespace weir::worker {
namespace {

bool contains(const std::vector<base::Cidr>& blocks, const base::IpAddress& address) {
  return std::ranges::any_of(blocks, [&](const base::Cidr& block) { return block.contains(address); });
}

// At most a second's worth at once.
base::CellRate rate(std::uint32_t per_second) { return {per_second, per_second}; }

}  // namespace

const char* name(Refusal refusal) {
  static constexpr std::array<const char*, kRefusals> kNames{
      "none",         "limit",        "max_connections", "memory",
      "denied",       "rate",         "client_rate",     "client_connections",
      "proxy_header", "client_hello", "client_table",    "handshake_rate"};
  return kNames[static_cast<std::size_t>(refusal)];
}

const char* key_of(Refusal refusal) {
  static constexpr std::array<const char*, kRefusals> kKeys{"",
                                                            "limits.connections",
                                                            "max_connections",
                                                            "memory",
                                                            "deny or allow",
                                                            "limits.connection_rate",
                                                            "limits.client_connection_rate",
                                                            "limits.connections_per_client",
                                                            "proxy_protocol: required from trusted_proxies",
                                                            "protocol: tls",
                                                            "a limit of one client (the table of clients is full)",
                                                            "tls.handshakes_per_second"};
  return kKeys[static_cast<std::size_t>(refusal)];
}

std::array<Admission::Shard, Admission::kShards>& Admission::shards() {
  std::call_once(made_, [this] { shards_ = std::make_unique<std::array<Shard, kShards>>(); });
  return *shards_;
}

std::uint64_t Admission::hash_of(const base::IpAddress& client) const {
  auto bytes = client.bytes();
  return base::keyed_hash(key_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// The client's place; with `make` a new one, for which another client may be forgotten. Null when there is none.
Admission::Client* Admission::place(Shard& shard, std::uint64_t hash, const base::IpAddress& client, bool make,
                                    std::int64_t now) {
  if (shard.clients.empty()) {
    if (!make) return nullptr;
    shard.clients.resize(kPlaces);
  }
  Client* best = nullptr;
  for (std::size_t i = 0; i < kReach; ++i) {
    Client& candidate = shard.clients[(hash / kShards + i) % kPlaces];
    if (candidate.known && candidate.address == client) return &candidate;
    if (candidate.known && candidate.open > 0) continue;
    if (best == nullptr || !candidate.known || (best->known && candidate.next_due < best->next_due)) best = &candidate;
  }
  if (!make || best == nullptr) return nullptr;
  *best = {.address = client, .open = 0, .known = true, .next_due = now};
  return best;
}

Refusal Admission::admit(const config::Listener& listener, const base::IpAddress& client, base::TimePoint when,
                         Counted& counted) {
  counted = Counted::no;
  if (contains(listener.deny, client)) return Refusal::denied;
  if (!listener.allow.empty() && !contains(listener.allow, client)) return Refusal::denied;
  const config::Limits& limits = listener.limits;
  std::int64_t now = when.time_since_epoch().count();
  if (limits.connections_per_client == 0 && limits.client_connection_rate == 0) {
    bool refused = limits.connection_rate > 0 && !rate(limits.connection_rate).admit(next_due_, now);
    return refused ? Refusal::rate : Refusal::none;
  }
  base::IpAddress who = client.subscriber();
  std::uint64_t hash = hash_of(who);
  Shard& shard = shards()[hash % kShards];
  std::lock_guard lock(shard.mutex);
  Client* own = place(shard, hash, who, true, now);
  Client& known = own != nullptr ? *own : shard.shared;
  if (limits.connections_per_client > 0 && known.open >= limits.connections_per_client) {
    return own != nullptr ? Refusal::client_connections : Refusal::client_table;
  }
  if (limits.client_connection_rate > 0) {
    auto next_due = rate(limits.client_connection_rate).after_one_more(known.next_due, now);
    if (!next_due) return own != nullptr ? Refusal::client_rate : Refusal::client_table;
    known.next_due = *next_due;
  }
  if (limits.connection_rate > 0 && !rate(limits.connection_rate).admit(next_due_, now)) return Refusal::rate;
  ++known.open;
  counted = own != nullptr ? Counted::own : Counted::shared;
  return Refusal::none;
}

void Admission::leave(const base::IpAddress& client, Counted counted) {
  if (counted == Counted::no) return;
  base::IpAddress who = client.subscriber();
  std::uint64_t hash = hash_of(who);
  Shard& shard = shards()[hash % kShards];
  std::lock_guard lock(shard.mutex);
  Client* known = counted == Counted::shared ? &shard.shared : place(shard, hash, who, false, 0);
  if (known != nullptr && known->open > 0) --known->open;
}

}  // namespace weir::worker
