#include "upstream/h2_links.h"

#include <cerrno>
#include <new>
#include <sys/socket.h>

#include "base/out_of_memory.h"
#include "base/try.h"
#include "tls/connect.h"
#include "tls/handshake.h"
#include "upstream/connected_address.h"
#include "upstream/h2_of_backend.h"

namespace weir::upstream {

using base::Error;
using base::ErrorCode;

namespace {

// Limits of a response header from a backend.
constexpr http2::FieldLimits kFieldLimits{.bytes = 64 * 1024, .count = 256};

// Bytes, the end or an error, of which the reader may have had no event yet.
bool has_unread(net::TcpStream& stream) {
  char byte;
  return recv(stream.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

// How often a worker without a connection looks for a place again.
constexpr auto kAskAgain = std::chrono::milliseconds(50);

http2::Settings settings_of(const config::UpstreamConnections& own) {
  http2::Settings settings;
  settings.max_streams = own.max_streams;
  settings.fields = kFieldLimits;
  settings.growth_bytes = 16 * 1024 * 1024;
  settings.connection_window_bytes = 16 * 1024 * 1024;
  settings.idle_timeout = own.idle_timeout;
  return settings;
}

}  // namespace

H2Link::H2Link(H2OfBackend& owner, http2::Shared& shared, const http2::Settings& settings, net::TcpStream connected)
    : stream(std::move(connected)),
      connection(http2::Role::client, shared, settings, stream, *this),
      opened_at(net::Reactor::current().now()),
      owner_(owner) {}

bool H2Link::has_room() const {
  std::uint32_t most = owner_.settings.max_requests;
  if (!connection.is_established() && connection.open_streams() >= owner_.stream_limit) return false;
  return connection.takes_streams() && (most == 0 || requests < most);
}

void H2Link::on_streams_changed() {
  if (connection.is_established()) owner_.stream_limit = connection.stream_limit();
  std::uint32_t most = owner_.settings.max_requests;
  if (most != 0 && requests >= most && !connection.is_shutting_down()) connection.shut_down();
  if (owner_.queue.empty()) return;
  // The tasks that waited for this one must ask for another place.
  if (connection.is_ending() && owner_.lasting() == 0) return owner_.wake_some(1);
  if (!has_room()) return;
  owner_.wake_some(connection.stream_limit() - connection.open_streams());
}

H2Links::H2Links(std::uint32_t worker, PlaceSemaphore& places, Opener& opener, http2::Shared& shared)
    : peers_(worker), places_(places), opener_(opener), shared_(shared) {}

H2Links::~H2Links() = default;

H2OfBackend& H2Links::of(const std::shared_ptr<pool::Backend>& backend) {
  std::uint32_t slot = backend->slot();
  if (slot >= by_slot_.size()) by_slot_.resize(slot + 1);
  std::unique_ptr<H2OfBackend>& place = by_slot_[slot];
  // A slot is given out again only when its last backend is gone, and `place` keeps its own alive.
  if (place == nullptr || place->backend != backend) place = std::make_unique<H2OfBackend>(backend);
  return *place;
}

bool H2Links::has_links(const AcquireOptions& options) { return !of(options.backend->backend).links.empty(); }

bool H2Links::refuses_tunnels(const AcquireOptions& options) {
  bool refused = false;
  of(options.backend->backend).links.for_each([&](H2Link& link) {
    refused |= link.connection.is_established() && !link.connection.peer_takes_extended_connect();
  });
  return refused;
}

H2Link* H2Links::find(const AcquireOptions& options) {
  H2Link* found = look(options);
  if (found != nullptr) options.metrics->reused.add(peers_.own());
  return found;
}

// The reader of a connection comes first; one that is busy has always something to read.
net::Task<H2Link*> H2Links::find_alive(AcquireOptions options) {
  constexpr int kTurns = 2;
  for (int turn = 0; turn < kTurns; ++turn) {
    H2Link* found = look(options);
    if (found == nullptr || !has_unread(found->stream)) break;
    co_await net::yield();
  }
  co_return find(options);
}

H2Link* H2Links::look(const AcquireOptions& options) {
  H2OfBackend& of_backend = of(options.backend->backend);
  of_backend.use(options);
  H2Link* found = nullptr;
  const tls::ClientContexts* wanted = options.tls == nullptr ? nullptr : options.tls->get();
  of_backend.links.for_each([&](H2Link& link) {
    // By other rules, which are no longer those: nobody could use it, but it would keep its place.
    if ((link.is_secure ? tls::contexts_of(link.stream) : nullptr) != wanted) return link.connection.shut_down();
    if (options.established && !link.connection.is_established()) return;
    if (link.opened_at < options.opened_since) return;
    if (found != nullptr || !link.has_room()) return;
    if (goes_to(link.stream, link.addresses, options.backend->addresses)) {
      found = &link;
    } else {
      link.connection.shut_down();
    }
  });
  return found;
}

net::Task<base::Result<H2Link*>> H2Links::acquire(AcquireOptions options) {
  H2OfBackend& of_backend = of(options.backend->backend);
  struct Holding {
    Holding(H2OfBackend& held, H2Links& owner) : of_backend(held), links(owner) { ++of_backend.acquiring; }
    ~Holding() {
      if (--of_backend.acquiring > 0) return;
      // Nobody needs them here any more.
      for (; of_backend.inherited > 0; --of_backend.inherited) links.free_place(of_backend);
    }
    H2OfBackend& of_backend;
    H2Links& links;
  } holding(of_backend, *this);
  base::TimePoint deadline = net::Reactor::current().now() + options.queue_timeout;
  while (true) {
    if (H2Link* link = find(options)) co_return link;
    // One connection that is being opened will take many of those who wait.
    bool enough = of_backend.queue.size() < std::size_t{of_backend.opening} * of_backend.stream_limit ||
                  (options.established && of_backend.has_young()) || of_backend.is_closed_to_us();
    if (enough || !claim_place(of_backend, options)) {
      bool wants_newer = options.opened_since != base::TimePoint();
      if (!enough && wants_newer && !of_backend.has_gone()) {
        // There can be none for now. A task that asks again because a connection was lost is served by any other.
        options.opened_since = {};
        continue;
      }
      base::TimePoint look_again = deadline;
      if (!enough && of_backend.lasting() == 0) ask_for_place(of_backend);
      if (!enough && (of_backend.lasting() == 0 || wants_newer)) {
        look_again = net::Reactor::current().now() + kAskAgain;
      }
      WEIR_CO_TRY(co_await wait(of_backend, options, deadline, look_again));
      continue;
    }
    base::Result<H2Link*> opened = co_await open(of_backend, options);
    if (!opened || !options.established) co_return opened;
  }
}

net::Task<base::Result<H2Link*>> H2Links::open(H2OfBackend& of_backend, const AcquireOptions& options) {
  ++of_backend.opening;
  base::Result<net::TcpStream> stream;
  try {
    stream = co_await opener_.open(options);
  } catch (const std::bad_alloc&) {
    stream = std::unexpected(base::kOutOfMemory);
  }
  --of_backend.opening;
  if (!stream) {
    free_place(of_backend);
    // It would go for the others as it went here; but not if it was this one that ended.
    if (stream.error().code == ErrorCode::cancelled) {
      of_backend.wake_some(1);
    } else {
      of_backend.wake_all(&stream.error());
    }
    co_return std::unexpected(stream.error());
  }
  options.metrics->opened.add(peers_.own());
  if (stream->is_filtered() && tls::protocol(*stream) != "h2") {
    free_place(of_backend);
    Error refused{.code = ErrorCode::protocol, .side = base::Side::backend, .what = "the backend did not agree to h2"};
    of_backend.wake_all(&refused);
    co_return std::unexpected(refused);
  }
  co_return start(of_backend, options, std::move(*stream));
}

H2Link* H2Links::adopt(const AcquireOptions& options, net::TcpStream stream) {
  H2OfBackend& of_backend = of(options.backend->backend);
  of_backend.use(options);
  return start(of_backend, options, std::move(stream));
}

H2Link* H2Links::start(H2OfBackend& of_backend, const AcquireOptions& options, net::TcpStream stream) {
  H2Link* opened = nullptr;
  try {
    auto link = std::make_unique<H2Link>(of_backend, shared_, settings_of(of_backend.settings), std::move(stream));
    opened = link.get();
    opened->is_secure = opened->stream.is_filtered();
    opened->addresses = options.backend->addresses;
    running_.spawn(run(of_backend, std::move(link)));
    if (of_backend.links.front() != opened) throw std::bad_alloc();  // run() had none, and has ended
  } catch (const std::bad_alloc&) {
    free_place(of_backend);
    throw;
  }
  std::uint32_t limit = std::min(opened->connection.stream_limit(), of_backend.stream_limit);
  // A task that finds no room there may open another one.
  of_backend.wake_some(std::max(limit, 2u) - 1);
  return opened;
}

net::Task<base::Result<void>> H2Links::wait(H2OfBackend& of_backend, const AcquireOptions& options,
                                            base::TimePoint deadline, base::TimePoint look_again) {
  if (of_backend.queue.size() >= options.settings->max_queue) {
    co_return base::fail(ErrorCode::queue_full, kQueueFull);
  }
  QueuedForStream place;
  of_backend.queue.push_back(place);
  base::Result<void> woken = co_await place.waiter.wait_until(std::min(deadline, look_again));
  if (place.linked()) of_backend.queue.remove(place);
  if (place.failed) co_return std::unexpected(*place.failed);
  bool may_go_on = net::Reactor::current().now() < deadline;
  if (!woken && (woken.error().code != ErrorCode::timeout || !may_go_on)) {
    Error error = woken.error();
    error.what = "waiting for a connection to the backend";
    co_return std::unexpected(error);
  }
  co_return base::Result<void>();
}

net::Task<void> H2Links::run(H2OfBackend& of_backend, std::unique_ptr<H2Link> link) {
  net::Task<void> running = link->connection.run();
  of_backend.links.push_front(*link);
  const Peer* heir = nullptr;
  {
    net::UpstreamDescriptor counted(opener_.descriptors());
    co_await running;
    of_backend.links.remove(*link);
    heir = link->heir;
    link.reset();
  }
  if (heir != nullptr) {
    H2Links* there = heir->h2_links;
    heir->reactor->post([there, backend = of_backend.backend] { there->inherit_place(backend); });
    co_return;
  }
  free_place(of_backend);
  // A place came free.
  of_backend.wake_some(1);
}

void H2Links::close_retired() {
  for (std::unique_ptr<H2OfBackend>& place : by_slot_) {
    if (place == nullptr || place->backend->takes_new_work()) continue;
    place->links.for_each([](H2Link& link) { link.connection.shut_down(); });
    if (place->unused()) place.reset();
  }
}

bool H2Links::close_one_idle() {
  for (std::unique_ptr<H2OfBackend>& place : by_slot_) {
    H2Link* idle = nullptr;
    if (place == nullptr) continue;
    place->links.for_each([&](H2Link& link) {
      if (link.connection.open_streams() == 0 && link.requests > 0 && link.connection.takes_streams()) idle = &link;
    });
    if (idle == nullptr) continue;
    idle->connection.shut_down();
    return true;
  }
  return false;
}

void H2Links::break_busy(const pool::Backend& backend) {
  std::uint32_t slot = backend.slot();
  if (slot >= by_slot_.size() || by_slot_[slot] == nullptr || by_slot_[slot]->backend.get() != &backend) return;
  by_slot_[slot]->links.for_each([](H2Link& link) { link.stream.shut_down(); });
}

net::Task<void> H2Links::close() {
  running_.cancel();
  co_await running_.join();
}

}  // namespace weir::upstream
