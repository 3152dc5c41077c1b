#include "upstream/connections.h"

#include <algorithm>
#include <sys/socket.h>

#include "upstream/of_backend.h"

namespace weir::upstream {

bool goes_to(net::TcpStream& stream, std::shared_ptr<const pool::Addresses>& known,
             const std::shared_ptr<const pool::Addresses>& wanted) {
  // A snapshot that is older than the first look-up of the name knows of no address, and none has gone since.
  if (known == wanted || wanted == nullptr) return true;
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getpeername(stream.descriptor().fd(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return false;
  if (std::ranges::find(*wanted, base::SocketAddress::from(storage)) == wanted->end()) return false;
  known = wanted;
  return true;
}

bool Connections::fits(Connection& connection, const AcquireOptions& options) {
  const tls::ClientContexts* wanted = options.tls == nullptr ? nullptr : options.tls->get();
  return tls::contexts_of(connection.stream) == wanted &&
         goes_to(connection.stream, connection.addresses_, options.backend->addresses) &&
         (!options.unrepeatable || connection.stream.is_quiet_now());
}

void Connection::on_ready() {
  // With TLS it may have been only a ticket.
  if (stream.is_filtered() && stream.is_quiet_now()) return;
  stream.descriptor().stop_waiting_readable();
  owner_.connections.destroy(*this);
}

void Connection::cut() {
  cut_ = true;
  stream.shut_down();
  if (cancelled_by_cut_ != nullptr) cancelled_by_cut_->cancel();
}

void Connection::on_timeout() {
  stream.descriptor().stop_waiting_readable();
  owner_.connections.destroy(*this);
}

void Lease::give_back() {
  Connection& connection = *std::exchange(connection_, nullptr);
  connection.owner_.connections.return_connection(connection);
}

void Lease::destroy() {
  Connection& connection = *std::exchange(connection_, nullptr);
  connection.owner_.connections.destroy(connection);
}

Connection::Connection(OfBackend& owner, net::TcpStream connected) : stream(std::move(connected)), owner_(owner) {
  if (owner_.connections.descriptors_ != nullptr) owner_.connections.descriptors_->add_upstream();
}

Connection::~Connection() {
  if (owner_.connections.descriptors_ != nullptr) owner_.connections.descriptors_->remove_upstream();
}

Connections::Connections(std::uint32_t worker, net::DescriptorBudget* descriptors)
    : worker_(worker), descriptors_(descriptors) {}

Connections::~Connections() { close_all_idle(); }

OfBackend& Connections::of(const std::shared_ptr<pool::Backend>& backend) {
  std::uint32_t slot = backend->slot();
  if (slot >= by_slot_.size()) by_slot_.resize(slot + 1);
  std::unique_ptr<OfBackend>& place = by_slot_[slot];
  if (place == nullptr || place->backend != backend) {
    // A slot is given out again only when its last backend is gone, and `place` keeps its own alive.
    place = std::make_unique<OfBackend>(*this, backend);
  }
  return *place;
}

OfBackend* Connections::find(const pool::Backend& backend) {
  std::uint32_t slot = backend.slot();
  if (slot >= by_slot_.size() || by_slot_[slot] == nullptr || by_slot_[slot]->backend.get() != &backend) return nullptr;
  return by_slot_[slot].get();
}

Lease Connections::take_idle(const AcquireOptions& options) {
  OfBackend* of_backend = find(*options.backend->backend);
  if (of_backend == nullptr || of_backend->idle.empty()) return {};
  // A connection from before a change of the pool's TLS or the backend's address is not wanted now, and one that the
  // backend has just closed is of no use.
  while (!of_backend->idle.empty() && !fits(*of_backend->idle.front(), options)) destroy(*of_backend->idle.front());
  if (of_backend->idle.empty()) return {};
  of_backend->settings = *options.settings;
  of_backend->max_connections = options.backend->max_connections;
  options.metrics->reused.add(worker_);
  return lend(pop_idle(*of_backend), true);
}

Lease Connections::lend(Connection& connection, bool reused) {
  connection.owner_.busy.push_front(connection);
  ++connection.requests;
  return Lease(&connection, reused);
}

// The caller decides what becomes of it; it is on neither list.
Connection& Connections::pop_idle(OfBackend& of_backend) {
  Connection& connection = *of_backend.idle.front();
  forget(connection);
  connection.stream.descriptor().stop_waiting_readable();
  return connection;
}

// Takes it off its list.
void Connections::forget(Connection& connection) {
  OfBackend& of_backend = connection.owner_;
  if (!connection.idle_) return of_backend.busy.remove(connection);
  connection.idle_ = false;
  of_backend.idle.remove(connection);
  --idle_count_;
  if (of_backend.idle.empty()) {
    of_backend.backend->places.idle_workers.remove(worker_);
  }
}

void Connections::make_idle(Connection& connection) {
  OfBackend& of_backend = connection.owner_;
  connection.idle_ = true;
  of_backend.idle.push_front(connection);
  ++idle_count_;
  net::Reactor& reactor = net::Reactor::current();
  base::TimePoint until = reactor.now() + of_backend.settings.idle_timeout;
  connection.stream.descriptor().wait_readable(connection, reactor.tick(until));
  if (of_backend.idle.size() == 1) {
    of_backend.backend->places.idle_workers.add(worker_);
  }
}

void Connections::destroy(Connection& connection) {
  OfBackend& of_backend = connection.owner_;
  if (connection.idle_) connection.stream.descriptor().stop_waiting_readable();
  forget(connection);
  delete &connection;
  pass_place_on(of_backend, true);
}

void Connections::return_connection(Connection& connection) {
  OfBackend& of_backend = connection.owner_;
  const config::UpstreamConnections& settings = of_backend.settings;
  bool worn_out = settings.max_requests > 0 && connection.requests >= settings.max_requests;
  if (worn_out || connection.unshared_ || of_backend.idle.size() >= settings.max_idle || of_backend.has_surplus() ||
      !connection.stream.is_quiet() || !of_backend.backend->takes_new_work()) {
    return destroy(connection);
  }
  forget(connection);
  offer(connection, true);
}

// To whoever waits for it, here or on another worker by turns, or idle. `connection` is on no list.
void Connections::offer(Connection& connection, bool used_here) {
  OfBackend& of_backend = connection.owner_;
  const std::shared_ptr<pool::Backend>& backend = of_backend.backend;
  const Peer* other = whose_turn(of_backend, used_here);
  if (other != nullptr && connection.stream.is_filtered()) {
    // TLS stays where it is: its place for a new one there.
    delete &connection;
    return send_place(backend, *other);
  }
  if (other != nullptr) {
    int fd = connection.stream.release();
    std::uint32_t requests = connection.requests;
    std::shared_ptr<const pool::Addresses> addresses = std::move(connection.addresses_);
    delete &connection;
    Connections* to = other->connections;
    other->reactor->post([to, backend, fd, requests, addresses] { to->adopt(backend, fd, requests, addresses); });
    return;
  }
  if (Queued* first = of_backend.queue.pop_front(); first != nullptr) {
    first->connection = &connection;
    of_backend.busy.push_front(connection);
    first->waiter.wake();
    return;
  }
  if (!backend->takes_new_work() || of_backend.idle.size() >= of_backend.settings.max_idle) {
    of_backend.busy.push_front(connection);
    return destroy(connection);
  }
  make_idle(connection);
  // A waiter elsewhere may have looked for idle connections just before this one was: tell it.
  if (backend->places.waiting() > 0) wake_somebody(of_backend);
}

void Connections::adopt(const std::shared_ptr<pool::Backend>& backend, int fd, std::uint32_t requests,
                        std::shared_ptr<const pool::Addresses> addresses) {
  OfBackend& of_backend = of(backend);
  auto* connection = new Connection(of_backend, net::TcpStream::adopt(fd));
  connection->requests = requests;
  connection->addresses_ = std::move(addresses);
  offer(*connection, false);
}

void Connections::close_idle_of_retired() {
  for (std::unique_ptr<OfBackend>& place : by_slot_) {
    if (place == nullptr) continue;
    if (!place->backend->takes_new_work()) {
      while (Connection* idle = place->idle.front()) destroy(*idle);
    }
    // Nothing here uses it: it is made anew when it comes back.
    if (place->unused() && !place->backend->takes_new_work()) place.reset();
  }
}

// The one that was used longest ago, of another backend each time.
bool Connections::close_one_idle() {
  for (std::size_t i = 0; idle_count_ > 0 && i < by_slot_.size(); ++i) {
    std::unique_ptr<OfBackend>& place = by_slot_[looked_at_++ % by_slot_.size()];
    if (place == nullptr || place->idle.empty()) continue;
    destroy(*place->idle.back());
    return true;
  }
  return false;
}

void Connections::break_busy(const pool::Backend& backend) {
  OfBackend* of_backend = find(backend);
  if (of_backend == nullptr) return;
  of_backend->busy.for_each([](Connection& connection) { connection.cut(); });
  while (Queued* waiting = of_backend->queue.pop_front()) {
    waiting->backend_left = true;
    waiting->waiter.wake();
  }
}

void Connections::close_all_idle() {
  for (std::unique_ptr<OfBackend>& place : by_slot_) {
    if (place == nullptr) continue;
    while (Connection* idle = place->idle.front()) destroy(*idle);
  }
}

}  // namespace weir::upstream
