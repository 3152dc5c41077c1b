#include "upstream/connections.h"

#include "upstream/of_backend.h"

namespace weir::upstream {

Connection::Connection(OfBackend& owner, net::TcpStream connected)
    : stream(std::move(connected)), owner_(owner), counted_(owner.descriptors()) {}

void Connection::on_ready() {
  // With TLS it may have been only a ticket.
  if (stream.is_filtered() && stream.is_quiet_now()) return;
  stream.descriptor().stop_waiting_readable();
  owner_.destroy(*this);
}

void Connection::on_timeout() {
  stream.descriptor().stop_waiting_readable();
  owner_.destroy(*this);
}

void Connection::cut() {
  cut_ = true;
  stream.shut_down();
  if (cancelled_by_cut_ != nullptr) cancelled_by_cut_->cancel();
}

void Lease::give_back() {
  Connection& connection = release();
  connection.owner().give_back(connection);
}

void Lease::destroy() {
  Connection& connection = release();
  connection.owner().destroy(connection);
}

net::TcpStream Lease::take_stream() {
  Connection& connection = release();
  net::TcpStream stream = std::move(connection.stream);
  connection.owner().empty_place(connection);
  return stream;
}

Connections::Connections(std::uint32_t worker, PlaceSemaphore& places, Opener& opener)
    : peers_(worker), places_(places), opener_(opener) {}

Connections::~Connections() { close_all_idle(); }

OfBackend& Connections::of(const std::shared_ptr<pool::Backend>& backend) {
  std::uint32_t slot = backend->slot();
  if (slot >= by_slot_.size()) by_slot_.resize(slot + 1);
  std::unique_ptr<OfBackend>& place = by_slot_[slot];
  if (place == nullptr || place->backend() != backend) {
    // A slot is given out again only when its last backend is gone, and `place` keeps its own alive.
    place = std::make_unique<OfBackend>(backend, peers_.own(), places_, opener_.descriptors(), idle_count_);
  }
  return *place;
}

OfBackend* Connections::find(const pool::Backend& backend) {
  std::uint32_t slot = backend.slot();
  if (slot >= by_slot_.size() || by_slot_[slot] == nullptr || by_slot_[slot]->backend().get() != &backend) {
    return nullptr;
  }
  return by_slot_[slot].get();
}

Lease Connections::take_idle(const AcquireOptions& options) {
  OfBackend* of_backend = find(*options.backend->backend);
  if (of_backend == nullptr) return {};
  // A connection from before a change of the pool's TLS or the backend's address is not wanted now, and one that the
  // backend has just closed is of no use.
  while (of_backend->has_idle() && !fits(*of_backend->newest_idle(), options)) {
    of_backend->destroy(*of_backend->newest_idle());
  }
  if (!of_backend->has_idle()) return {};
  of_backend->use(options);
  options.metrics->reused.add(peers_.own());
  return of_backend->lend(of_backend->pop_idle(), true);
}

void Connections::adopt(const std::shared_ptr<pool::Backend>& backend, int fd, std::uint32_t requests,
                        std::shared_ptr<const pool::Addresses> addresses) {
  OfBackend& of_backend = of(backend);
  auto* connection = new Connection(of_backend, net::TcpStream::adopt(fd));
  connection->requests = requests;
  connection->addresses = std::move(addresses);
  of_backend.offer(*connection, false);
}

void Connections::close_idle_of_retired() {
  for (std::unique_ptr<OfBackend>& place : by_slot_) {
    if (place == nullptr || place->backend()->takes_new_work()) continue;
    while (Connection* idle = place->newest_idle()) place->destroy(*idle);
    // Nothing here uses it: it is made anew when it comes back.
    if (place->unused()) place.reset();
  }
}

// The one that was used longest ago, of another backend each time.
bool Connections::close_one_idle() {
  for (std::size_t i = 0; idle_count_ > 0 && i < by_slot_.size(); ++i) {
    std::unique_ptr<OfBackend>& place = by_slot_[looked_at_++ % by_slot_.size()];
    if (place == nullptr || !place->has_idle()) continue;
    place->destroy(*place->oldest_idle());
    return true;
  }
  return false;
}

void Connections::break_busy(const pool::Backend& backend) {
  OfBackend* of_backend = find(backend);
  if (of_backend == nullptr) return;
  of_backend->cut_busy();
  places_.leave(backend);
}

void Connections::close_all_idle() {
  for (std::unique_ptr<OfBackend>& place : by_slot_) {
    if (place == nullptr) continue;
    while (Connection* idle = place->newest_idle()) place->destroy(*idle);
  }
}

}  // namespace weir::upstream
