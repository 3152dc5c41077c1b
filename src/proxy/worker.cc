#include "proxy/worker.h"

#include <new>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory_reserve.h"
#include "http2/connection.h"
#include "metrics/families.h"
#include "net/cancel_at.h"
#include "net/listener.h"
#include "net/pipe.h"
#include "proxy/accept.h"
#include "proxy/client_connection.h"
#include "proxy/serve.h"
#include "proxy/stream_relay.h"
#include "proxy/udp_relay.h"

namespace weir::proxy {

namespace families = metrics::families;
using std::chrono::milliseconds;

namespace {

// A connection whose listener closes may have a request under way, whole or in part: so long it is waited for.
constexpr auto kIdleGrace = milliseconds(1000);
// Longer than a handshake takes from its first segment to its last.
constexpr auto kHandshakeGrace = milliseconds(200);
constexpr std::size_t kKeptStates = 1024;

}  // namespace

ListenerRuntime::ListenerRuntime(std::uint32_t listener_id, const std::string& listener_name,
                                 metrics::Registry& registry)
    : id(listener_id),
      name(listener_name),
      connections_active(registry.gauge(families::kConnectionsActive, {listener_name})),
      connections_total(registry.counter(families::kConnections, {listener_name})),
      request_duration(registry.histogram(families::kRequestDuration, {listener_name})) {
  for (std::size_t i = 1; i < kRefusals; ++i) {
    refused[i] = registry.counter(families::kConnectionsRefused, {listener_name, proxy::name(static_cast<Refusal>(i))});
  }
}

Listening::Listening(std::shared_ptr<ListenerRuntime> shared) : runtime(std::move(shared)) {}
Listening::~Listening() = default;

void HeldSnapshot::remove_user() {
  if (--users_ > 0) return;
  try {
    if (control_ != nullptr) control_->post([old = std::move(snapshot_)]() mutable { old.reset(); });
  } catch (const std::bad_alloc&) {
    // Then it went here.
  }
  delete this;
}

Worker::Worker(std::uint32_t worker_index, Services& shared)
    : index(worker_index),
      services(shared),
      connections(worker_index, &shared.descriptors),
      h2_links(worker_index, connections, h2) {
  connections.set_address_source([this](const pool::Backend& backend) { return addresses_of(backend); });
  reactor.at_round_end([](void* self) { static_cast<Worker*>(self)->flush_udp(); }, this);
}

Worker::~Worker() { WEIR_ASSERT(!thread_.joinable()); }

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::join() { thread_.join(); }

void Worker::run() {
  net::Pipe::count_in(services.descriptors);
  reactor.run();
  connections.close_all_idle();
  listenings_.clear();
  snapshot_ = SnapshotRef();
  reactor.bury_retired();
  if (services.worker_ended) services.worker_ended();
}

std::unique_ptr<ExchangeState> Worker::take_state() {
  if (states_.empty()) return std::make_unique<ExchangeState>();
  std::unique_ptr<ExchangeState> state = std::move(states_.back());
  states_.pop_back();
  return state;
}

void Worker::give_back(std::unique_ptr<ExchangeState> state) {
  state->clear();
  if (states_.size() >= kKeptStates) return;
  try {
    states_.push_back(std::move(state));
  } catch (const std::bad_alloc&) {
    // Then it is not kept.
  }
}

std::int64_t Worker::unix_ms() {
  auto since = reactor.now() - wall_clock_read_;
  if (since >= milliseconds(1000) || wall_clock_ms_ == 0) {
    wall_clock_read_ = reactor.now();
    wall_clock_ms_ = base::unix_milliseconds();
    since = {};
  }
  return wall_clock_ms_ + std::chrono::duration_cast<milliseconds>(since).count();
}

void Worker::apply(std::shared_ptr<const Snapshot> next) {
  reactor.post([this, next = std::move(next)]() mutable {
    SnapshotRef before = std::exchange(snapshot_, SnapshotRef(new HeldSnapshot(std::move(next), services.control)));
    // A listener that is gone, for good or to another address, serves what still comes as it last did.
    for (auto& listening : listenings_) {
      if (listening != nullptr && listening->index != UINT32_MAX && !listening->last) listening->last = before;
    }
    const auto& listeners = snapshot_->listeners;
    for (std::uint32_t i = 0; i < listeners.size(); ++i) {
      Listening* known = listening(listeners[i]->id);
      if (known == nullptr) continue;
      known->index = i;
      known->last = SnapshotRef();
    }
    for (auto& listening : listenings_) {
      if (listening != nullptr && listening->udp != nullptr) listening->udp->configuration_changed();
    }
    connections.close_idle_of_retired();
    h2_links.close_retired();
    connections.addresses_changed();
    websockets.for_each([](StreamRelay& relay) { relay.close_where_it_must_go(); });
  });
}

// Null while the present snapshot does not offer the backend, or without an address.
std::shared_ptr<const pool::Addresses> Worker::addresses_of(const pool::Backend& backend) const {
  if (!snapshot_) return nullptr;
  for (const std::shared_ptr<const PoolSnapshot>& pool : snapshot_->pools) {
    for (const pool::BackendEntry& entry : pool->eligible) {
      if (entry.backend.get() == &backend && entry.addresses != nullptr) return entry.addresses;
    }
  }
  return nullptr;
}

Listening* Worker::listening(std::uint32_t id) { return id < listenings_.size() ? listenings_[id].get() : nullptr; }

Listening& Worker::add_listening(std::shared_ptr<ListenerRuntime> runtime) {
  std::uint32_t id = runtime->id;
  if (listenings_.size() <= id) listenings_.resize(id + 1);
  listenings_[id] = std::make_unique<Listening>(std::move(runtime));
  Listening& added = *listenings_[id];
  added.runtime->adopting_workers.fetch_add(1);
  for (std::uint32_t i = 0; snapshot_ && i < snapshot_->listeners.size(); ++i) {
    if (snapshot_->listeners[i]->id == id) added.index = i;
  }
  return added;
}

void Worker::open_listener(std::shared_ptr<ListenerRuntime> runtime, std::vector<int> fds) {
  reactor.post([this, runtime = std::move(runtime), fds = std::move(fds)] {
    if (draining_) {
      for (int fd : fds) ::close(fd);
      runtime->listening_workers.fetch_sub(1);
      return;
    }
    Listening& opened = add_listening(runtime);
    if (!fds.empty() && net::is_datagram_socket(fds.front())) {
      opened.udp = std::make_unique<UdpRelay>(*this, opened, fds);
      return;
    }
    opened.sockets = fds;
    for (int fd : fds) opened.acceptors.spawn(accept_connections(*this, opened, net::Listener(fd)));
  });
}

void Worker::hand_over_udp(std::uint32_t id, std::shared_ptr<ListenerRuntime> runtime) {
  reactor.post([this, id, runtime = std::move(runtime)] {
    Listening* before = listening(id);
    if (draining_ || before == nullptr || before->udp == nullptr) {
      runtime->listening_workers.fetch_sub(1);
      return;
    }
    Listening& now = add_listening(runtime);
    now.udp = std::move(listening(id)->udp);
    now.udp->serve_for(now);
  });
}

void Worker::cut_udp(std::uint32_t id) {
  reactor.post([this, id] {
    Listening* closing = listening(id);
    if (closing != nullptr && closing->udp != nullptr) closing->udp->end_all();
  });
}

void Worker::flush_udp() {
  while (!unflushed_.empty()) {
    UdpRelay& relay = *unflushed_.back();
    unflushed_.pop_back();
    relay.flush_replies();
  }
}

void Worker::place(Listening& listening, int fd, const base::SocketAddress& peer) {
  std::uint32_t limit = listening.index == UINT32_MAX
                            ? 0
                            : snapshot_of(listening)->listeners[listening.index]->config->limits.connections;
  std::uint32_t open = listening.runtime->open.fetch_add(1, std::memory_order_relaxed);
  Worker* least = this;
  std::size_t all = 0;
  for (Worker* other : services.workers) {
    if (other->load() < least->load()) least = other;
    all += other->open_connections();
  }
  Refusal refusal = limit > 0 && open >= limit ? Refusal::limit : Refusal::none;
  if (!base::memory_reserve::is_whole()) refusal = Refusal::memory;
  // The others hear of a new listener one after the other.
  bool all_adopt = listening.runtime->adopting_workers.load(std::memory_order_relaxed) == services.workers.size();
  // Whoever accepts goes on, whatever this one lacks.
  try {
    if (refusal == Refusal::none && all >= services.descriptors.max_clients() && !make_room_for_client(all)) {
      refusal = Refusal::max_connections;
    }
    bool is_for_another = refusal == Refusal::none && !listening.closing && all_adopt &&
                          placement_.gives_away(load(), least->load(), reactor.now());
    if (is_for_another) return least->adopt(listening.runtime, fd, peer);
  } catch (const std::bad_alloc&) {
    refusal = Refusal::memory;
  }
  if (refusal == Refusal::none) return serve(*this, listening, fd, peer);
  listening.runtime->open.fetch_sub(1, std::memory_order_relaxed);
  ::close(fd);
  listening.runtime->refuse(refusal, index, peer.ip, reactor.now());
}

void Worker::adopt(std::shared_ptr<ListenerRuntime> runtime, int fd, base::SocketAddress peer) {
  // Counted at once, so that a burst is not all sent to the same worker.
  open_connections_.fetch_add(1, std::memory_order_relaxed);
  try {
    reactor.post([this, runtime = std::move(runtime), fd, peer] {
      open_connections_.fetch_sub(1, std::memory_order_relaxed);
      if (Listening* here = listening(runtime->id)) return serve(*this, *here, fd, peer);
      runtime->open.fetch_sub(1, std::memory_order_relaxed);
      ::close(fd);
    });
  } catch (const std::bad_alloc&) {
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

void Worker::begin_closing(Listening& listening) {
  listening.closing = true;
  listening.runtime->adopting_workers.fetch_sub(1);
  if (listening.udp != nullptr) listening.udp->begin_closing();
  if (listening.followed) {
    listening.acceptors.cancel();
  } else {
    for (int fd : listening.sockets) net::ignore_new_handshakes(fd);
  }
  listening.begin_by = reactor.now() + kIdleGrace;
  net::Tick soon = reactor.tick(listening.begin_by);
  listening.connections.for_each([soon](ClientConnection& connection) {
    if (connection.h2 != nullptr) connection.h2->shut_down();
    if (connection.stage != Stage::working) connection.stream.descriptor().hurry_reader(soon);
  });
  websockets.for_each([&listening](StreamRelay& relay) {
    if (relay.listening == &listening) relay.close_websocket(kGoingAway);
  });
}

void Worker::close_listener(std::uint32_t id, base::Nanoseconds limit, bool followed) {
  reactor.post([this, id, limit, followed] {
    Listening* closing = listening(id);
    if (closing == nullptr || closing->closing) return;
    closing->followed = followed;
    begin_closing(*closing);
    closings_.spawn(finish_closing(id, limit));
  });
}

namespace {

net::Task<void> join_by(net::TaskGroup& group, base::TimePoint deadline) {
  net::CancelAt watch(group, deadline);
  co_await group.join();
}

}  // namespace

net::Task<void> Worker::finish_closing(std::uint32_t id, base::Nanoseconds limit) {
  Listening& closing = *listenings_[id];
  std::shared_ptr<ListenerRuntime> runtime = closing.runtime;
  base::TimePoint deadline = reactor.now() + limit;
  // Handshakes under way complete and are served.
  static_cast<void>(co_await net::sleep_for(kHandshakeGrace));
  closing.acceptors.cancel();
  co_await closing.acceptors.join();
  bool has_flows = closing.udp != nullptr;
  if (!has_flows) runtime->listening_workers.fetch_sub(1);
  // Another worker may have handed over a connection while the last one ended.
  do {
    co_await join_by(closing.stages, std::min(deadline, closing.begin_by));
    co_await join_by(closing.sessions, deadline);
  } while (closing.stages.size() > 0 || closing.sessions.size() > 0);
  if (closing.udp != nullptr) co_await closing.udp->finish(deadline);
  listenings_[id].reset();
  if (has_flows) runtime->listening_workers.fetch_sub(1);
}

void Worker::drain(base::Nanoseconds limit) {
  reactor.post([this, limit] {
    if (draining_) return;
    draining_ = true;
    for (auto& listening : listenings_) {
      if (listening == nullptr || listening->closing) continue;
      begin_closing(*listening);
      closings_.spawn(finish_closing(listening->runtime->id, limit));
    }
    chores_.spawn(finish_draining(limit));
  });
}

net::Task<void> Worker::finish_draining(base::Nanoseconds limit) {
  co_await join_by(closings_, reactor.now() + limit);
  connections.close_all_idle();
  co_await h2_links.close();
  upkeep_.cancel();
  co_await upkeep_.join();
  reactor.stop();
}

void Worker::break_connections(std::shared_ptr<pool::Backend> backend) {
  reactor.post([this, backend = std::move(backend)] {
    connections.break_busy(*backend);
    for (auto& listening : listenings_) {
      if (listening != nullptr && listening->udp != nullptr) listening->udp->break_flows(*backend);
    }
    h2_links.break_busy(*backend);
  });
}

}  // namespace weir::proxy
