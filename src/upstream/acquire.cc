// Getting a connection when none is idle here: from another worker, by opening one, or by waiting for one.

#include <algorithm>

#include "upstream/connections.h"
#include "upstream/h2_links.h"
#include "upstream/of_backend.h"

namespace weir::upstream {

using base::ErrorCode;

namespace {

// Another worker answers within its next round; one that is busy for longer is not worth waiting for.
constexpr auto kTakeoverPatience = std::chrono::milliseconds(10);
constexpr auto kLookForRoomEvery = std::chrono::milliseconds(10);

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

bool wants_tls(const AcquireOptions& options) { return options.tls != nullptr && *options.tls != nullptr; }

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

// Waits for the first look-up of a name; lives in its coroutine's frame.
struct WithoutAddress final : base::ListHook<WithoutAddress> {
  net::Waiter waiter;
};

const Peer* Connections::other_worker_in(std::uint64_t mask) {
  std::uint32_t start = ++turn_;
  for (std::uint32_t i = 0; i < peers_.size(); ++i) {
    std::uint32_t worker = static_cast<std::uint32_t>((start + i) % peers_.size());
    if (worker != worker_ && (mask & bit_of_worker(worker)) != 0) return &peers_[worker];
  }
  return nullptr;
}

// Only what was used here changes hands by turns: what another worker sent is for whoever waits here.
const Peer* Connections::whose_turn(OfBackend& of_backend, bool used_here) {
  pool::Backend& backend = *of_backend.backend;
  if (backend.queued.load(std::memory_order_seq_cst) <= of_backend.queue.size()) return nullptr;
  const Peer* other = other_worker_in(backend.waiting_workers.load(std::memory_order_seq_cst));
  bool by_turns = used_here && (++handed_over_ & 1) != 0;
  return of_backend.queue.empty() || by_turns ? other : nullptr;
}

void Connections::send_place(const std::shared_ptr<pool::Backend>& backend, const Peer& to) {
  Connections* there = to.connections;
  to.reactor->post([there, backend] { there->pass_place_on(there->of(backend), false); });
}

void Connections::pass_place_on(OfBackend& of_backend, bool used_here) {
  pool::Backend& backend = *of_backend.backend;
  if (backend.queued.load(std::memory_order_seq_cst) > 0 && !of_backend.has_surplus()) {
    if (const Peer* other = whose_turn(of_backend, used_here)) return send_place(of_backend.backend, *other);
    if (Queued* first = of_backend.queue.pop_front(); first != nullptr) {
      first->has_place = true;
      return first->waiter.wake();
    }
  }
  backend.open_connections.fetch_sub(1, std::memory_order_seq_cst);
  wake_somebody(of_backend);
}

void Connections::wake_somebody(OfBackend& of_backend) {
  pool::Backend& backend = *of_backend.backend;
  if (backend.queued.load(std::memory_order_seq_cst) == 0) return;
  if (Queued* first = of_backend.queue.pop_front(); first != nullptr) return first->waiter.wake();
  const Peer* other = other_worker_in(backend.waiting_workers.load(std::memory_order_seq_cst));
  if (other == nullptr) return;
  // Whoever waited there may be gone by then: then the next worker is told.
  Connections* there = other->connections;
  other->reactor->post([there, keep = of_backend.backend] { there->wake_somebody(there->of(keep)); });
}

bool Connections::claim_place(pool::Backend& backend, std::uint32_t max_connections) {
  // Never more than allowed, not even for a moment: others would take it for a surplus.
  std::uint32_t open = backend.open_connections.load(std::memory_order_seq_cst);
  do {
    if (max_connections > 0 && open >= max_connections) return false;
  } while (!backend.open_connections.compare_exchange_weak(open, open + 1, std::memory_order_seq_cst));
  return true;
}

void Connections::free_place(const std::shared_ptr<pool::Backend>& backend) { pass_place_on(of(backend), true); }

void Connections::empty_place(Lease lease) {
  Connection& connection = *std::exchange(lease.connection_, nullptr);
  forget(connection);
  delete &connection;
}

// What came to whoever waited; neither: it looks again.
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
      if (!wants_tls(options)) co_await take_over(of_backend, taken);
    }
    net::TaskContext& context = co_await net::this_context();
    if (context.cancelled()) {
      // What it was woken for is somebody else's.
      if (was_woken) wake_somebody(of_backend);
      co_return base::fail(ErrorCode::cancelled, "waiting for a connection to the backend");
    }
    if (taken && fits(*taken.connection_, options)) {
      options.metrics->taken_over.add(worker_);
      co_return taken;
    }
    // Of a connection that this exchange cannot use it takes the place, for a new one. (Whose it was may have another
    // snapshot.)
    if (!taken && claim_place(backend, options.backend->max_connections)) break;
    if (!taken && !may_reuse && !of_backend.idle.empty()) taken = lend(pop_idle(of_backend), true);
    if (!taken && (!may_reuse || wants_tls(options))) {
      co_await take_over(of_backend, taken);
      if (!taken && claim_place(backend, options.backend->max_connections)) break;
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
  base::Result<net::TcpStream> stream = co_await open(options);
  if (!stream) {
    pass_place_on(of_backend, true);
    co_return std::unexpected(stream.error());
  }
  options.metrics->opened.add(worker_);
  auto* connection = new Connection(of_backend, std::move(*stream));
  connection->unshared_ = options.unshared;
  connection->addresses_ = options.backend->addresses;
  co_return lend(*connection, false);
}

// HTTP/2 connections take a moment to end, and other workers to answer.
void Connections::ask_for_room() {
  if (h2_links_ != nullptr) h2_links_->close_one_idle();
  for (const Peer& peer : peers_) {
    if (peer.connections == this) continue;
    peer.reactor->post([there = peer.connections] {
      if (!there->close_one_idle() && there->h2_links_ != nullptr) there->h2_links_->close_one_idle();
    });
  }
}

net::Task<base::Result<void>> Connections::wait_for_room(base::TimePoint deadline) {
  bool has_asked = false;
  while (!close_one_idle() && !descriptors_->has_upstream()) {
    if (!std::exchange(has_asked, true)) ask_for_room();
    net::Reactor& reactor = net::Reactor::current();
    if (reactor.now() >= deadline) {
      co_return base::fail(ErrorCode::exhausted, "no descriptor is left for a connection to the backend");
    }
    base::Result<void> slept = co_await net::sleep_until(std::min(deadline, reactor.now() + kLookForRoomEvery));
    if (!slept) co_return std::unexpected(slept.error());
  }
  co_return base::Result<void>();
}

net::Task<base::Result<net::TcpStream>> Connections::open(AcquireOptions options) {
  if (descriptors_ == nullptr) co_return co_await open_one_of(options);
  if (!descriptors_->has_upstream()) {
    base::Result<void> room = co_await wait_for_room(net::Reactor::current().now() + options.connect_timeout);
    if (!room) co_return std::unexpected(room.error());
  }
  descriptors_->add_upstream();
  base::Result<net::TcpStream> stream = co_await open_one_of(options);
  descriptors_->remove_upstream();
  co_return stream;
}

// Tries the backend's addresses in turn, another one first each time, and those that failed lately behind the others.
net::Task<base::Result<net::TcpStream>> Connections::open_one_of(AcquireOptions options) {
  pool::Backend& backend = *options.backend->backend;
  base::TimePoint now = net::Reactor::current().now();
  base::TimePoint deadline = now + options.connect_timeout;
  std::shared_ptr<const pool::Addresses> addresses = options.backend->addresses;
  if (addresses == nullptr) {
    base::Result<std::shared_ptr<const pool::Addresses>> found = co_await wait_for_addresses(backend, deadline);
    if (!found) co_return std::unexpected(found.error());
    addresses = *std::move(found);
  }
  bool several = addresses->size() > 1;
  std::uint32_t turn = several ? backend.next_address.fetch_add(1, std::memory_order_relaxed) : 0;
  pool::AddressRound round(*addresses, turn, backend.failed_addresses, now);
  base::Error last{.code = ErrorCode::no_backend, .what = "connect"};
  while (const base::SocketAddress* address = round.next(*addresses)) {
    net::ConnectOptions connect_options{.address = *address, .deadline = deadline};
    if (options.source != nullptr) connect_options.source = *options.source;
    base::Result<net::TcpStream> stream = co_await net::connect(connect_options);
    base::Result<void> begun;
    if (stream && !options.preamble.empty()) begun = co_await stream->write(options.preamble, options.connect_timeout);
    if (stream && begun && wants_tls(options)) {
      begun = co_await secure(*stream, options, connect_options.address, connect_options.deadline);
    } else if (stream && !begun) {
      begun = std::unexpected(begun.error().on(base::Side::backend));
    }
    if (stream && begun) {
      if (several) backend.failed_addresses.remove(connect_options.address.ip);
      co_return std::move(*stream);
    }
    last = stream ? begun.error() : stream.error();
    if (last.code == ErrorCode::cancelled || last.code == ErrorCode::exhausted) break;
    now = net::Reactor::current().now();
    if (several) backend.failed_addresses.add(connect_options.address.ip, now);
    deadline = now + options.connect_timeout;
  }
  co_return std::unexpected(last);
}

// The first look-up of the backend's name is under way, or has ended since the snapshot of the caller was made.
net::Task<base::Result<std::shared_ptr<const pool::Addresses>>> Connections::wait_for_addresses(
    const pool::Backend& backend, base::TimePoint deadline) {
  while (true) {
    std::shared_ptr<const pool::Addresses> found;
    if (address_source_) found = address_source_(backend);
    if (found != nullptr) co_return found;
    base::Error error{.code = ErrorCode::no_backend, .side = base::Side::backend, .retry_helps = true};
    error.what = "the name of the backend does not resolve";
    if (backend.name_state.load() == pool::NameState::failed) co_return std::unexpected(error);
    WithoutAddress waiting;
    without_address_.push_back(waiting);
    base::Result<void> woken = co_await waiting.waiter.wait_until(deadline);
    if (waiting.linked()) without_address_.remove(waiting);
    if (woken) continue;
    error.code = woken.error().code;
    error.what = "waiting for the first look-up of the backend's name";
    co_return std::unexpected(error);
  }
}

void Connections::addresses_changed() {
  while (WithoutAddress* first = without_address_.pop_front()) first->waiter.wake();
}

net::Task<base::Result<void>> Connections::secure(net::TcpStream& stream, const AcquireOptions& options,
                                                  const base::SocketAddress& address, base::TimePoint deadline) {
  tls::ConnectOptions tls_options{.contexts = *options.tls,
                                  .thread = worker_,
                                  .host = options.backend->backend->host(),
                                  .peer = address.to_string(),
                                  .deadline = deadline};
  if (!options.only_protocol.empty()) tls_options.alpn.emplace_back(options.only_protocol);
  base::Result<void> done = co_await tls::connect(stream, std::move(tls_options));
  if (done) co_return done;
  base::Error error = done.error();
  // Nothing was asked of the backend yet.
  error.retry_helps = error.code != ErrorCode::cancelled;
  if (error.code == ErrorCode::closed) error.code = ErrorCode::reset;
  co_return std::unexpected(error);
}

net::Task<base::Result<Connections::Handed>> Connections::wait_in_queue(OfBackend& of_backend,
                                                                        const AcquireOptions& options,
                                                                        base::TimePoint deadline, bool at_front) {
  pool::Backend& backend = *of_backend.backend;
  if (!at_front && backend.queued.load(std::memory_order_relaxed) >= options.settings->max_queue) {
    co_return base::fail(ErrorCode::queue_full, "waiting for a connection to the backend");
  }
  Queued place;
  if (at_front) {
    of_backend.queue.push_front(place);
  } else {
    of_backend.queue.push_back(place);
  }
  backend.queued.fetch_add(1, std::memory_order_seq_cst);
  backend.waiting_workers.fetch_or(bit_of_worker(worker_), std::memory_order_seq_cst);
  // What came free between the last look and now was not announced to this worker: look once more, if there is time.
  // One may have become idle right here while acquire() asked another worker.
  bool free_now = !of_backend.idle.empty() ||
                  backend.open_connections.load(std::memory_order_seq_cst) < options.backend->max_connections ||
                  other_worker_in(backend.idle_workers.load(std::memory_order_seq_cst)) != nullptr;
  base::Result<void> woken;
  if (free_now && net::Reactor::current().now() < deadline) {
    // Whatever acquire() makes of it, this worker has a turn in between.
    co_await net::yield();
  } else {
    woken = co_await place.waiter.wait_until(deadline);
  }
  bool was_chosen = !place.linked();
  if (!was_chosen) of_backend.queue.remove(place);
  backend.queued.fetch_sub(1, std::memory_order_seq_cst);
  if (of_backend.queue.empty()) {
    backend.waiting_workers.fetch_and(~bit_of_worker(worker_), std::memory_order_seq_cst);
  }
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
  const Peer* other = other_worker_in(backend->idle_workers.load(std::memory_order_seq_cst));
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
