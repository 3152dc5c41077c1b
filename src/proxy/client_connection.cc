#include "proxy/client_connection.h"

namespace weir::proxy {

Arrival::Arrival(Worker& owner, Listening& on, net::TcpStream connected, const base::SocketAddress& peer_address)
    : worker(owner), listening(on), stream(std::move(connected)), peer(peer_address) {
  worker.open_connections_.fetch_add(1, std::memory_order_relaxed);
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
      counted_by_address_(std::exchange(other.counted_by_address_, false)) {}

Arrival::~Arrival() {
  if (counted_by_address_) listening.runtime->admission.leave(peer.ip);
  if (!counted_) return;
  worker.open_connections_.fetch_sub(1, std::memory_order_relaxed);
  listening.runtime->open.fetch_sub(1, std::memory_order_relaxed);
  listening.runtime->connections_active.subtract(worker.index);
}

bool Arrival::admit(const config::Listener& listener) {
  if (!Admission::asked_of(listener)) return true;
  Refusal verdict = listening.runtime->admission.admit(listener, peer.ip, worker.reactor.now(), counted_by_address_);
  if (verdict == Refusal::none) return true;
  listening.runtime->refuse(verdict, worker.index);
  return false;
}

ClientConnection::ClientConnection(Arrival&& arrival) : Arrival(std::move(arrival)) {
  listening.connections.push_back(*this);
}

ClientConnection::~ClientConnection() { listening.connections.remove(*this); }

}  // namespace weir::proxy
