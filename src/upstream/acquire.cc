// Getting a connection when none is idle here: from another worker, by opening one, or by waiting for one.

#include <new>

#include "base/out_of_memory.h"
#include "upstream/connections.h"
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
struct Connections::Takeover {
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
    while (of_backend != nullptr && question->fd < 0 && of_backend->has_idle()) {
      Connection& connection = *of_backend->newest_idle();
      if (connection.stream.is_filtered()) {
        // TLS stays where it is: its place is all that can be given.
        of_backend->destroy(connection);
        break;
      }
      if (!connection.stream.is_quiet_now()) {
        of_backend->destroy(connection);
        continue;
      }
      of_backend->pop_idle();
      question->requests = connection.requests;
      question->addresses = std::move(connection.addresses);
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

net::Task<base::Result<Lease>> Connections::acquire(AcquireOptions options) {
  OfBackend& of_backend = of(options.backend->backend);
  Holding holding(of_backend);
  of_backend.use(options);
  pool::ConnectionPlaces& places = of_backend.backend()->places;
  PlaceSemaphore::WaitOptions wait{.limit = options.backend->max_connections,
                                   .max_queue = options.settings->max_queue,
                                   .deadline = net::Reactor::current().now() + options.queue_timeout};
  bool may_reuse = !options.fresh && !options.unshared;
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
      if (wait.at_front) places_.wake_next(of_backend.backend());
      co_return base::fail(ErrorCode::cancelled, "waiting for a connection to the backend");
    }
    if (taken && fits(taken.connection(), options)) {
      options.metrics->taken_over.add(peers_.own());
      co_return taken;
    }
    // A connection that this exchange cannot use gives up its place for a new one. (Its former user may have another
    // snapshot.)
    if (!taken && places.claim(wait.limit)) break;
    if (!taken && !may_reuse && of_backend.has_idle()) taken = of_backend.lend(of_backend.pop_idle(), true);
    if (!taken && (!may_reuse || options.wants_tls())) {
      co_await take_over(of_backend, taken);
      if (!taken && places.claim(wait.limit)) break;
    }
    if (taken) {
      of_backend.empty_place(taken.release());
      break;
    }
    wait.has_idle = of_backend.has_idle();
    base::Result<PlaceSemaphore::Grant> grant = co_await places_.wait(of_backend.backend(), wait);
    if (!grant) co_return std::unexpected(grant.error());
    if (grant->kind == PlaceSemaphore::Grant::Kind::place) break;
    if (grant->kind == PlaceSemaphore::Grant::Kind::connection) {
      Connection& given = *grant->connection;
      if (may_reuse && fits(given, options)) {
        options.metrics->reused.add(peers_.own());
        of_backend.forget(given);
        co_return of_backend.lend(given, true);
      }
      of_backend.empty_place(given);
      break;
    }
    wait.at_front = grant->was_woken;
  }
  base::Result<net::TcpStream> stream;
  Connection* connection = nullptr;
  try {
    stream = co_await opener_.open(options);
    if (stream) connection = new Connection(of_backend, std::move(*stream));
  } catch (const std::bad_alloc&) {
    stream = std::unexpected(base::kOutOfMemory);
  }
  if (!stream) {
    of_backend.free_place();
    co_return std::unexpected(stream.error());
  }
  options.metrics->opened.add(peers_.own());
  connection->unshared = options.unshared;
  connection->addresses = options.backend->addresses;
  co_return of_backend.lend(*connection, false);
}

net::Task<void> Connections::take_over(OfBackend& of_backend, Lease& taken) {
  const std::shared_ptr<pool::Backend>& backend = of_backend.backend();
  const Peer* other = peers_.next_of(backend->places.idle_workers.members());
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
  connection->addresses = std::move(question->addresses);
  taken = of_backend.lend(*connection, true);
}

}  // namespace weir::upstream
