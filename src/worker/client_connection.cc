#include "worker/client_connection.h"

#include <algorithm>
#include <chrono>

namespace weir::worker {

Arrival::Arrival(Worker& owner, Listening& on, ClientFacts known)
    : worker(owner), listening(on), facts(std::move(known)) {
  worker.load.connection_opens();
  listening.runtime->connections_active.add(worker.index);
  listening.runtime->connections_total.add(worker.index);
}

Arrival::Arrival(Arrival&& other) noexcept
    : worker(other.worker),
      listening(other.listening),
      facts(std::move(other.facts)),
      counted_(std::exchange(other.counted_, false)),
      counted_by_address_(std::exchange(other.counted_by_address_, Counted::no)) {}

Arrival::~Arrival() {
  if (counted_by_address_ != Counted::no) listening.runtime->admission.leave(facts.peer.ip, counted_by_address_);
  if (!counted_) return;
  worker.load.connection_closes();
  listening.runtime->open.fetch_sub(1, std::memory_order_relaxed);
  listening.runtime->connections_active.subtract(worker.index);
}

bool Arrival::admit(const config::Listener& listener) {
  if (!Admission::asked_of(listener)) return true;
  Refusal verdict =
      listening.runtime->admission.admit(listener, facts.peer.ip, worker.reactor.now(), counted_by_address_);
  if (verdict == Refusal::none) return true;
  listening.runtime->refuse(verdict, worker.index, facts.peer.ip, worker.reactor.now());
  return false;
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

}  // namespace weir::worker
