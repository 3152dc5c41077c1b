#include "worker/client_connection.h"

#include <algorithm>
#include <chrono>

namespace weir::worker {

Arrival::Arrival(Worker& owner, Listening& on, net::TcpStream connected, const base::SocketAddress& peer_address)
    : worker(owner), listening(on), stream(std::move(connected)), peer(peer_address) {
  worker.load.connection_opens();
  listening.runtime->connections_active.add(worker.index);
  listening.runtime->connections_total.add(worker.index);
}

Arrival::Arrival(Arrival&& other) noexcept
    : worker(other.worker),
      listening(other.listening),
      stream(std::move(other.stream)),
      peer(other.peer),
      facts(std::move(other.facts)),
      counted_(std::exchange(other.counted_, false)),
      counted_by_address_(std::exchange(other.counted_by_address_, Counted::no)) {}

Arrival::~Arrival() {
  if (counted_by_address_ != Counted::no) listening.runtime->admission.leave(peer.ip, counted_by_address_);
  if (!counted_) return;
  worker.load.connection_closes();
  listening.runtime->open.fetch_sub(1, std::memory_order_relaxed);
  listening.runtime->connections_active.subtract(worker.index);
}

bool Arrival::admit(const config::Listener& listener) {
  if (!Admission::asked_of(listener)) return true;
  Refusal verdict = listening.runtime->admission.admit(listener, peer.ip, worker.reactor.now(), counted_by_address_);
  if (verdict == Refusal::none) return true;
  listening.runtime->refuse(verdict, worker.index, peer.ip, worker.reactor.now());
  return false;
}

std::uint16_t port_of(const Arrival& client) {
  const bool proxied = client.facts != nullptr && client.facts->proxied_destination;
  return proxied ? client.facts->proxied_destination->port : net::local_address(client.stream.fd()).port;
}

std::optional<base::Nanoseconds> age_limit(const Arrival& client, bool http2) {
  if (client.listening.index == UINT32_MAX) return std::nullopt;
  const SnapshotRef snapshot = client.worker.snapshot_of(client.listening);
  const config::Listener& listener = *snapshot->listeners[client.listening.index]->config;
  config::Duration age = listener.max_connection_age;
  double jitter = listener.max_connection_age_jitter;
  if (http2 && listener.http2.max_connection_age.count() > 0) {
    age = listener.http2.max_connection_age;
    jitter = listener.http2.max_connection_age_jitter;
  }
  if (age.count() == 0) return std::nullopt;
  double share = static_cast<double>(client.worker.random.next() >> 11) * 0x1p-53;
  // is_old() compares 32 bits of milliseconds.
  constexpr base::Nanoseconds kLongest = std::chrono::days(20);
  return std::min(kLongest, std::chrono::duration_cast<base::Nanoseconds>(age * (1 + jitter * (2 * share - 1))));
}

void ClientConnection::limit_age() {
  std::optional<base::Nanoseconds> age = age_limit(*this, false);
  if (!age) return;
  auto tick = static_cast<std::uint32_t>(worker.reactor.tick(worker.reactor.now() + *age));
  old_at_tick = std::max<std::uint32_t>(tick, 1);
}

bool ClientConnection::is_old() const {
  if (old_at_tick == 0) return false;
  // Right over the end of the 32 bits too.
  auto now = static_cast<std::uint32_t>(worker.reactor.tick(worker.reactor.now()));
  return static_cast<std::int32_t>(now - old_at_tick) >= 0;
}

ClientConnection::ClientConnection(Arrival&& arrival) : Arrival(std::move(arrival)) {
  listening.connections.push_back(*this);
}

ClientConnection::~ClientConnection() { listening.connections.remove(*this); }

}  // namespace weir::worker
