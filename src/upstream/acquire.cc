// Getting a connection when none is idle here: from another worker, by opening one (open.cc), or by waiting for one.

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "upstream/connections.h"
#include "upstream/h2_links.h"
#include "upstream/of_backend.h"

namespace weir::upstream {

using base::ErrorCode;

namespace {

// Another worker answers within its next round; one that is busy for longer is not worth waiting for.
constexpr auto kTakeoverPatience = std::chrono::milliseconds(10);

// Counts the coroutines that hold on to an OfBackend.
class Holding {
 public:
  explicit Holding(OfBackend& of_backend) : of_backend_(of_backend) { ++of_backend_.acquiring; }
  ~Holding() { --of_backend_.acquiring; }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  OfBackend& of_backend_;
};

}  // namespace

// A question to another worker, and its answer. `waiter` is touched only by the worker that asks.
struct Takeover {
  Connections* asker;
  net::Reactor* asker_reactor;
  std::shared_ptr<pool::Backend> backend;
  net::Waiter* waiter = nullptr;
  int fd = -1;
  std::uint32_t requests = 0;
  std::shared_ptr<const pool::Addresses> addresses{};

  // On the worker that is asked.
  static void answer(const std::shared_ptr<Takeover>& question, Connections& owner) {
    OfBackend* of_backend = owner.find(*question->backend);
    while (of_backend != nullptr && question->fd < 0 && !of_backend->idle.empty()) {
      Connection& connection = *of_backend->idle.front();
      if (connection.stream.is_filtered()) {
        // TLS stays where it is: its place is all that can be given.
        owner.destroy(connection);
        break;
      }
      if (!connection.stream.is_quiet_now()) {
        owner.destroy(connection);
        continue;
      }
      owner.pop_idle(*of_backend);
      question->requests = connection.requests;
      question->addresses = std::move(connection.addresses_);
      question->fd = connection.stream.release();
      delete &connection;
    }
    question->asker_reactor->post([question] { question->arrive(); });
  }

  // Back on the worker that asked, which may have stopped waiting.
  void arrive() {
    if (waiter != nullptr) return waiter->wake();
    if (fd >= 0) asker->adopt(backend, fd, requests, addresses);
  }
};

const Peer* Connections::other_worker_in(std::uint64_t members) {
  std::uint32_t start = ++turn_;
  for (std::uint32_t i = 0; i < peers_.size(); ++i) {
    std::uint32_t worker = static_cast<std::uint32_t>((start + i) % peers_.size());
    if (worker != worker_ && pool::WorkerSet::contains(members, worker)) return &peers_[worker];
  }
  return nullptr;
}

// Only what was used here changes hands by turns: what another worker sent is for whoever waits here.
const Peer* Connections::whose_turn(OfBackend& of_backend, bool used_here) {
  pool::Backend& backend = *of_backend.backend;
  if (backend.places.waiting() <= of_backend.queue.size()) return nullptr;
  const Peer* other = other_worker_in(backend.places.waiting_workers().members());
  bool by_turns = used_here && (++handed_over_ & 1) != 0;
  return of_backend.queue.empty() || by_turns ? other : nullptr;
}

void Connections::send_place(const std::shared_ptr<pool::Backend>& backend, const Peer& to) {
  Connections* there = to.connections;
  to.reactor->post([there, backend] { there->pass_place_on(there->of(backend), false); });
}

void Connections::pass_place_on(OfBackend& of_backend, bool used_here) {
  pool::Backend& backend = *of_backend.backend;
  if (backend.places.waiting() > 0 && !of_backend.has_surplus()) {
    if (const Peer* other = whose_turn(of_backend, used_here)) return send_place(of_backend.backend, *other);
    if (Queued* first = of_backend.queue.pop_front(); first != nullptr) {
      first->has_place = true;
      return first->waiter.wake();
    }
  }
  backend.places.release();
  wake_somebody(of_backend);
}

void Connections::wake_somebody(OfBackend& of_backend) {
  pool::Backend& backend = *of_backend.backend;
  if (backend.places.waiting() == 0) return;
  if (Queued* first = of_backend.queue.pop_front(); first != nullptr) return first->waiter.wake();
  const Peer* other = other_worker_in(backend.places.waiting_workers().members());
  if (other == nullptr) return;
  // The task that waited there may be gone by then: then the next worker is told.
  Connections* there = other->connections;
  other->reactor->post([there, keep = of_backend.backend] { there->wake_somebody(there->of(keep)); });
}

void Connections::free_place(const std::shared_ptr<pool::Backend>& backend) { pass_place_on(of(backend), true); }

void Connections::empty_place(Lease lease) {
  Connection& connection = *std::exchange(lease.connection_, nullptr);
  forget(connection);
  delete &connection;
}

// Handed to a waiting task; neither of the two: it looks again.
struct Connections::Handed {
  Lease lease;
  bool place = false;
  bool was_woken = false;  // by somebody, who counts on it
};

net::Task<base::Result<Lease>> Connections::acquire(AcquireOptions options) {
  OfBackend& of_backend = of(options.backend->backend);
  Holding holding(of_backend);
  of_backend.settings = *options.settings;
  pool::Backend& backend = *of_backend.backend;
  base::TimePoint queue_deadline = net::Reactor::current().now() + options.queue_timeout;
  of_backend.max_connections = options.backend->max_connections;
  bool may_reuse = !options.fresh && !options.unshared;
  bool was_woken = false;
  while (true) {
    Lease taken;
    if (may_reuse) {
      taken = take_idle(options);
      if (taken) co_return taken;
      if (!options.wants_tls()) co_await take_over(of_backend, taken);
    }
    net::TaskContext& context = co_await net::this_context();
    if (context.cancelled()) {
      // The connection or place that it was woken for goes to another task.
      if (was_woken) wake_somebody(of_backend);
      co_return base::fail(ErrorCode::cancelled, "waiting for a connection to the backend");
    }
    if (taken && fits(*taken.connection_, options)) {
      options.metrics->taken_over.add(worker_);
      co_return taken;
    }
    // A connection that this exchange cannot use gives up its place for a new one. (Its former user may have another
    // snapshot.)
    if (!taken && backend.places.claim(options.backend->max_connections)) break;
    if (!taken && !may_reuse && !of_backend.idle.empty()) taken = lend(pop_idle(of_backend), true);
    if (!taken && (!may_reuse || options.wants_tls())) {
      co_await take_over(of_backend, taken);
      if (!taken && backend.places.claim(options.backend->max_connections)) break;
    }
    if (taken) {
      empty_place(std::move(taken));
      break;
    }
    base::Result<Handed> handed = co_await wait_in_queue(of_backend, options, queue_deadline, was_woken);
    if (!handed) co_return std::unexpected(handed.error());
    if (handed->lease && may_reuse && fits(*handed->lease.connection_, options)) {
      options.metrics->reused.add(worker_);
      co_return std::move(handed->lease);
    }
    if (handed->place) break;
    if (handed->lease) {
      empty_place(std::move(handed->lease));
      break;
    }
    was_woken = handed->was_woken;
  }
  base::Result<net::TcpStream> stream;
  Connection* connection = nullptr;
  try {
    stream = co_await open(options);
    if (stream) connection = new Connection(of_backend, std::move(*stream));
  } catch (const std::bad_alloc&) {
    stream = std::unexpected(base::kOutOfMemory);
  }
  if (!stream) {
    pass_place_on(of_backend, true);
    co_return std::unexpected(stream.error());
  }
  options.metrics->opened.add(worker_);
  connection->unshared_ = options.unshared;
  connection->addresses_ = options.backend->addresses;
  co_return lend(*connection, false);
}

net::Task<base::Result<Connections::Handed>> Connections::wait_in_queue(OfBackend& of_backend,
                                                                        const AcquireOptions& options,
                                                                        base::TimePoint deadline, bool at_front) {
  pool::Backend& backend = *of_backend.backend;
  if (!at_front && backend.places.waiting() >= options.settings->max_queue) {
    co_return base::fail(ErrorCode::queue_full, kQueueFull);
  }
  Queued place;
  if (at_front) {
    of_backend.queue.push_front(place);
  } else {
    of_backend.queue.push_back(place);
  }
  backend.places.begin_waiting(worker_);
  // A connection that came free since the last look was not announced to this worker: look once more, if there is time.
  // One may have become idle right here while acquire() asked another worker.
  bool free_now = !of_backend.idle.empty() || backend.places.taken() < options.backend->max_connections ||
                  other_worker_in(backend.places.idle_workers.members()) != nullptr;
  base::Result<void> woken;
  if (free_now && net::Reactor::current().now() < deadline) {
    // Whatever acquire() makes of it, this worker has a turn in between.
    co_await net::yield();
  } else {
    woken = co_await place.waiter.wait_until(deadline);
  }
  bool was_chosen = !place.linked();
  if (!was_chosen) of_backend.queue.remove(place);
  backend.places.end_waiting(worker_, of_backend.queue.empty());
  // Handed over even if the deadline passed in the same round.
  if (place.has_place) co_return Handed{.lease = {}, .place = true};
  if (place.connection != nullptr) {
    Connection& connection = *place.connection;
    forget(connection);
    co_return Handed{.lease = lend(connection, true)};
  }
  if (place.backend_left) {
    co_return base::fail(ErrorCode::no_backend, "the backend left while its connections were waited for");
  }
  if (!woken) {
    if (was_chosen) wake_somebody(of_backend);
    base::Error error = woken.error();
    error.what = "waiting for a connection to the backend";
    co_return std::unexpected(error);
  }
  co_return Handed{.lease = {}, .place = false, .was_woken = was_chosen};
}

net::Task<void> Connections::take_over(OfBackend& of_backend, Lease& taken) {
  const std::shared_ptr<pool::Backend>& backend = of_backend.backend;
  const Peer* other = other_worker_in(backend->places.idle_workers.members());
  if (other == nullptr) co_return;
  net::Reactor& reactor = net::Reactor::current();
  auto question = std::make_shared<Takeover>(Takeover{.asker = this, .asker_reactor = &reactor, .backend = backend});
  net::Waiter waiter;
  question->waiter = &waiter;
  Connections* owner = other->connections;
  other->reactor->post([question, owner] { Takeover::answer(question, *owner); });
  base::Result<void> answered = co_await waiter.wait_until(reactor.now() + kTakeoverPatience);
  question->waiter = nullptr;
  if (!answered || question->fd < 0) co_return;
  auto* connection = new Connection(of_backend, net::TcpStream::adopt(question->fd));
  connection->requests = question->requests;
  connection->addresses_ = std::move(question->addresses);
  taken = lend(*connection, true);
}

}  // namespace weir::upstream
