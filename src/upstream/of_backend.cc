#include "upstream/of_backend.h"

#include "upstream/connected_address.h"

namespace weir::upstream {

bool fits(Connection& connection, const AcquireOptions& options) {
  const tls::ClientContexts* wanted = options.tls == nullptr ? nullptr : options.tls->get();
  return tls::contexts_of(connection.stream) == wanted &&
         goes_to(connection.stream, connection.addresses, options.backend->addresses) &&
         (!options.unrepeatable || connection.stream.is_quiet_now());
}

OfBackend::OfBackend(std::shared_ptr<pool::Backend> which, std::uint32_t worker, PlaceSemaphore& places,
                     net::DescriptorBudget* descriptors, std::size_t& idle_count)
    : backend_(std::move(which)),
      worker_(worker),
      places_(places),
      descriptors_(descriptors),
      idle_count_(idle_count) {}

Lease OfBackend::lend(Connection& connection, bool reused) {
  busy_.push_front(connection);
  ++connection.requests;
  return Lease(connection, reused);
}

Connection& OfBackend::pop_idle() {
  Connection& connection = *idle_.front();
  forget(connection);
  connection.stream.descriptor().stop_waiting_readable();
  return connection;
}

void OfBackend::forget(Connection& connection) {
  if (!connection.idle) return busy_.remove(connection);
  connection.idle = false;
  idle_.remove(connection);
  --idle_count_;
  if (idle_.empty()) backend_->places.idle_workers.remove(worker_);
}

void OfBackend::make_idle(Connection& connection) {
  connection.idle = true;
  idle_.push_front(connection);
  ++idle_count_;
  net::Reactor& reactor = net::Reactor::current();
  base::TimePoint until = reactor.now() + settings_.idle_timeout;
  connection.stream.descriptor().wait_readable(connection, reactor.tick(until));
  if (idle_.size() == 1) backend_->places.idle_workers.add(worker_);
}

void OfBackend::empty_place(Connection& connection) {
  if (connection.idle) connection.stream.descriptor().stop_waiting_readable();
  forget(connection);
  delete &connection;
}

void OfBackend::destroy(Connection& connection) {
  empty_place(connection);
  free_place();
}

void OfBackend::give_back(Connection& connection) {
  bool worn_out = settings_.max_requests > 0 && connection.requests >= settings_.max_requests;
  if (worn_out || connection.unshared || idle_.size() >= settings_.max_idle || backend_->places.has_surplus(limit_) ||
      !connection.stream.is_quiet() || !backend_->takes_new_work()) {
    return destroy(connection);
  }
  forget(connection);
  offer(connection, true);
}

void OfBackend::offer(Connection& connection, bool used_here) {
  const Peer* other = places_.next_worker(*backend_, used_here);
  if (other != nullptr && connection.stream.is_filtered()) {
    // TLS stays where it is: its place for a new one there.
    delete &connection;
    return places_.send(*other, backend_, limit_);
  }
  if (other != nullptr) {
    int fd = connection.stream.release();
    std::uint32_t requests = connection.requests;
    std::shared_ptr<const pool::Addresses> addresses = std::move(connection.addresses);
    delete &connection;
    other->reactor->post([to = other->connections, backend = backend_, fd, requests, addresses] {
      to->adopt(backend, fd, requests, addresses);
    });
    return;
  }
  if (places_.give_here(*backend_, connection)) return busy_.push_front(connection);
  if (!backend_->takes_new_work() || idle_.size() >= settings_.max_idle) {
    busy_.push_front(connection);
    return destroy(connection);
  }
  make_idle(connection);
  // A waiter elsewhere may have looked for idle connections just before this one was: tell it.
  if (backend_->places.waiting() > 0) places_.wake_next(backend_);
}

void OfBackend::cut_busy() {
  busy_.for_each([](Connection& connection) { connection.cut(); });
}

}  // namespace weir::upstream
