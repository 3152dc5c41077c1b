#include "upstream/place_semaphore.h"

namespace weir::upstream {

using base::ErrorCode;

PlaceSemaphore::Queue& PlaceSemaphore::queue_of(const pool::Backend& backend) {
  std::uint32_t slot = backend.slot();
  if (slot >= queues_.size()) queues_.resize(slot + 1);
  if (queues_[slot] == nullptr) queues_[slot] = std::make_unique<Queue>();
  return *queues_[slot];
}

PlaceSemaphore::Waiter* PlaceSemaphore::pop(const pool::Backend& backend) {
  std::uint32_t slot = backend.slot();
  return slot < queues_.size() && queues_[slot] != nullptr ? queues_[slot]->pop_front() : nullptr;
}

net::Task<base::Result<PlaceSemaphore::Grant>> PlaceSemaphore::wait(const std::shared_ptr<pool::Backend>& backend,
                                                                    WaitOptions options) {
  pool::ConnectionPlaces& places = backend->places;
  if (!options.at_front && places.waiting() >= options.max_queue) {
    co_return base::fail(ErrorCode::queue_full, kQueueFull);
  }
  Queue& queue = queue_of(*backend);  // stays where it is, and is of this backend while `own` waits
  Waiter own;
  options.at_front ? queue.push_front(own) : queue.push_back(own);
  places.begin_waiting(peers_.own());
  // Places that came free since the caller looked were not announced to this worker: look once more, if there is time.
  bool may_be_free =
      options.has_idle || places.taken() < options.limit || peers_.next_of(places.idle_workers.members()) != nullptr;
  base::Result<void> woken;
  if (may_be_free && net::Reactor::current().now() < options.deadline) {
    // Whatever the caller makes of it, this worker has a turn in between.
    co_await net::yield();
  } else {
    woken = co_await own.waiter.wait_until(options.deadline);
  }
  bool was_chosen = !own.linked();
  if (!was_chosen) queue.remove(own);
  places.end_waiting(peers_.own(), queue.empty());
  // Handed over even if the deadline passed in the same round.
  if (own.given == Waiter::Given::place) co_return Grant{.kind = Grant::Kind::place};
  if (own.given == Waiter::Given::connection) {
    co_return Grant{.kind = Grant::Kind::connection, .connection = own.connection};
  }
  if (own.given == Waiter::Given::end) {
    co_return base::fail(ErrorCode::no_backend, "the backend left while its connections were waited for");
  }
  if (!woken) {
    if (was_chosen) wake_next(backend);
    base::Error error = woken.error();
    error.what = "waiting for a connection to the backend";
    co_return std::unexpected(error);
  }
  co_return Grant{.was_woken = was_chosen};
}

const Peer* PlaceSemaphore::next_worker(const pool::Backend& backend, bool used_here) {
  std::uint32_t waiting = backend.places.waiting();
  if (waiting == 0) return nullptr;
  std::uint32_t slot = backend.slot();
  std::size_t waiting_here = slot < queues_.size() && queues_[slot] != nullptr ? queues_[slot]->size() : 0;
  if (waiting <= waiting_here) return nullptr;
  bool turn_of_others = used_here && (++handed_over_ & 1) != 0;
  if (waiting_here > 0 && !turn_of_others) return nullptr;
  return peers_.next_of(backend.places.waiting_workers().members());
}

bool PlaceSemaphore::give_here(const pool::Backend& backend, Connection& connection) {
  Waiter* first = pop(backend);
  if (first == nullptr) return false;
  first->given = Waiter::Given::connection;
  first->connection = &connection;
  first->waiter.wake();
  return true;
}

void PlaceSemaphore::send(const Peer& to, const std::shared_ptr<pool::Backend>& backend, std::uint32_t limit) {
  to.reactor->post([there = to.places, backend, limit] { there->pass_on(backend, limit, false); });
}

void PlaceSemaphore::pass_on(const std::shared_ptr<pool::Backend>& backend, std::uint32_t limit, bool used_here) {
  if (backend->places.waiting() > 0 && !backend->places.has_surplus(limit)) {
    if (const Peer* other = next_worker(*backend, used_here)) return send(*other, backend, limit);
    if (Waiter* first = pop(*backend)) {
      first->given = Waiter::Given::place;
      return first->waiter.wake();
    }
  }
  backend->places.release();
  wake_next(backend);
}

void PlaceSemaphore::wake_next(const std::shared_ptr<pool::Backend>& backend) {
  if (backend->places.waiting() == 0) return;
  if (Waiter* first = pop(*backend)) return first->waiter.wake();
  const Peer* other = peers_.next_of(backend->places.waiting_workers().members());
  if (other == nullptr) return;
  // The task that waited there may be gone by then: then the next worker is told.
  other->reactor->post([there = other->places, backend] { there->wake_next(backend); });
}

void PlaceSemaphore::leave(const pool::Backend& backend) {
  while (Waiter* waiting = pop(backend)) {
    waiting->given = Waiter::Given::end;
    waiting->waiter.wake();
  }
}

}  // namespace weir::upstream
