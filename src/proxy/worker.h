// One thread that carries traffic: its reactor, its connections, and what every exchange on it shares.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "access_log/log.h"
#include "base/arena.h"
#include "base/random.h"
#include "http/date.h"
#include "http2/shared.h"
#include "metrics/registry.h"
#include "metrics/request_cells.h"
#include "net/descriptor_budget.h"
#include "net/reactor.h"
#include "net/task_group.h"
#include "proxy/admission.h"
#include "proxy/placement.h"
#include "proxy/refusal_log.h"
#include "proxy/request_id.h"
#include "proxy/snapshot.h"
#include "upstream/connections.h"
#include "upstream/h2_links.h"

namespace weir::proxy {

class Arrival;
class ClientConnection;
class UdpRelay;
struct TlsMetrics;
class StreamRelay;
class Worker;

// A listener as all workers share it; lives as long as anybody refers to it.
struct ListenerRuntime {
  ListenerRuntime(std::uint32_t listener_id, const std::string& listener_name, metrics::Registry& registry);
  // A connection of `client`, of which no session can tell.
  void refuse(Refusal why, std::uint32_t worker, const base::IpAddress& client, base::TimePoint now) {
    count_refused(why, worker);
    refusal_log.note(name, why, client, now);
  }
  void count_refused(Refusal why, std::uint32_t worker) { refused[static_cast<std::size_t>(why)].add(worker); }

  std::uint32_t id;
  std::string name;
  std::atomic<std::uint32_t> open{0};  // connections over all workers
  // Workers that have its sockets still; set by whoever gives them to the workers.
  std::atomic<std::uint32_t> listening_workers{0};
  // Workers that have it and do not close it; until all have it, each serves what it accepts itself.
  std::atomic<std::uint32_t> adopting_workers{0};
  metrics::Counter connections_active;
  metrics::Counter connections_total;
  std::array<metrics::Counter, kRefusals> refused;
  Admission admission;
  RefusalLog refusal_log;
  metrics::Histogram request_duration;
};

// What workers share. Outlives them.
struct Services {
  metrics::Registry* registry = nullptr;
  std::atomic<access_log::Log*> access_log{nullptr};  // null: off
  net::Reactor* control = nullptr;                    // where old snapshots are destroyed
  // A connection to a backend could not be opened. Called on workers, must not block.
  std::function<void(const pool::Backend&, const base::Error&)> connect_failed;
  std::function<void()> worker_ended;  // called on each worker's thread as its last deed
  std::vector<Worker*> workers;
  const TlsMetrics* tls = nullptr;
  net::DescriptorBudget descriptors;
  std::atomic<std::size_t> given_back{0};       // bytes that workers gave back to the heap (give_back_memory)
  std::atomic<std::int64_t> next_complaint{0};  // of too many clients: steady clock, ns
  metrics::Counter client_bytes_in, client_bytes_out, backend_bytes_in, backend_bytes_out;
};

// Memory that one exchange needs and the next one can use again. What it holds are views into the arena, the client's
// buffer or the exchange, none of which outlives that exchange.
struct ExchangeState {
  void clear() {
    request.clear();
    response.clear();
    own_fields.clear();
    received_trailers.clear();
    arena.reset();
  }

  http::RequestHead request;
  http::ResponseHead response;
  http::HeaderMap own_fields;  // of answers made here, and trailers that go on
  http::HeaderMap received_trailers;
  base::Arena arena;
};

// One worker's reference to a snapshot: counted without atomics, on its thread only. The last one sends the snapshot to
// the control thread, so that tearing down a large configuration never delays a request.
class HeldSnapshot {
 public:
  HeldSnapshot(std::shared_ptr<const Snapshot> snapshot, net::Reactor* control)
      : snapshot_(std::move(snapshot)), control_(control) {}
  void add_user() { ++users_; }
  void remove_user();
  const Snapshot& operator*() const { return *snapshot_; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  net::Reactor* control_;
  std::uint64_t users_ = 0;
};

class SnapshotRef {
 public:
  SnapshotRef() = default;
  explicit SnapshotRef(HeldSnapshot* held) : held_(held) { held_->add_user(); }
  SnapshotRef(const SnapshotRef& other) : held_(other.held_) {
    if (held_ != nullptr) held_->add_user();
  }
  SnapshotRef(SnapshotRef&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  SnapshotRef& operator=(SnapshotRef other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SnapshotRef() {
    if (held_ != nullptr) held_->remove_user();
  }
  explicit operator bool() const { return held_ != nullptr; }
  const Snapshot& operator*() const { return **held_; }
  const Snapshot* operator->() const { return &**held_; }

 private:
  HeldSnapshot* held_ = nullptr;
};

// A listener on one worker.
struct Listening {
  explicit Listening(std::shared_ptr<ListenerRuntime> shared);
  ~Listening();
  std::shared_ptr<ListenerRuntime> runtime;
  std::uint32_t index = UINT32_MAX;                   // in the listeners of its snapshot; UINT32_MAX: in none yet
  SnapshotRef last{};                                 // the last snapshot that had it, when the present one has not
  bool closing = false;                               // no new requests on its connections
  base::TimePoint begin_by = base::TimePoint::max();  // nothing begins any more after that
  bool followed = false;                              // another listener accepts on the same sockets now
  std::vector<int> sockets;                           // the acceptors'
  net::TaskGroup acceptors;
  net::TaskGroup stages;  // connections before their sessions
  net::TaskGroup sessions;
  base::IntrusiveList<ClientConnection> connections;
  std::unique_ptr<UdpRelay> udp;  // instead of all that, with protocol udp
};

// Functions are for the worker's own thread unless they say otherwise.
class Worker {
 public:
  Worker(std::uint32_t index, Services& services);
  ~Worker();
  void start();  // any thread, once
  void join();   // after drain() has come to its end, or stop()

  // Any thread: from now on new work uses `snapshot`.
  void apply(std::shared_ptr<const Snapshot> snapshot);
  // Any thread: accepts on `fds`, which it takes over, for the listener `runtime` is about.
  void open_listener(std::shared_ptr<ListenerRuntime> runtime, std::vector<int> fds);
  // Any thread: the listener `runtime` is about goes on with sockets and flows of the UDP listener `id`, which has none
  // any more.
  void hand_over_udp(std::uint32_t id, std::shared_ptr<ListenerRuntime> runtime);
  // Any thread: what is left of a UDP listener that closes is cut now, as another one needs its address.
  void cut_udp(std::uint32_t id);
  // Any thread: accepts no more there; its connections end after their exchange, idle ones after a moment of grace;
  // what is left after `limit` is cut. `followed`: another listener goes on with its sockets.
  void close_listener(std::uint32_t id, base::Nanoseconds limit, bool followed = false);
  // Any thread: the same for every listener, then the thread ends.
  void drain(base::Nanoseconds limit);
  // Any thread: connections that exchanges still hold to `backend` are broken.
  void break_connections(std::shared_ptr<pool::Backend> backend);
  // Any thread: a connection accepted by another worker.
  void adopt(std::shared_ptr<ListenerRuntime> runtime, int fd, base::SocketAddress peer);
  // Any thread: what a burst has left behind and nobody uses goes back to the heap, a little at a time.
  void give_back_memory();
  std::uint32_t open_connections() const { return open_connections_.load(std::memory_order_relaxed); }  // any thread
  // Any thread: what it has to do, in connections and exchanges: a connection of HTTP/2 weighs as much as is asked for
  // on it.
  std::uint32_t load() const { return open_connections() + exchanges_.load(std::memory_order_relaxed); }
  // One more exchange is under way, or one fewer.
  void exchange_begins() {
    exchanges_.store(exchanges_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void exchange_ends() { exchanges_.store(exchanges_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); }

  // `relay` has replies to send at the end of this round; it takes that back before it goes away.
  void flush_at_round_end(UdpRelay& relay) { unflushed_.push_back(&relay); }
  void forget_replies(UdpRelay& relay) { std::erase(unflushed_, &relay); }

  // A new connection of `listening`, accepted here: served here, or by the worker with the least to do.
  void place(Listening& listening, int fd, const base::SocketAddress& peer);

  std::unique_ptr<ExchangeState> take_state();
  void give_back(std::unique_ptr<ExchangeState> state);
  const SnapshotRef& snapshot() const { return snapshot_; }
  // What serves the connections of `listening`: the present snapshot, or the last one that had the listener.
  const SnapshotRef& snapshot_of(const Listening& listening) const {
    return listening.last ? listening.last : snapshot_;
  }
  // Wall-clock time as of this round.
  std::int64_t unix_ms();
  bool draining() const { return draining_; }

  const std::uint32_t index;
  Services& services;
  net::Reactor reactor;
  upstream::Connections connections;
  base::Random random = base::Random::seeded();
  RequestIds request_ids;
  http::DateCache dates;
  http2::Shared h2;
  upstream::H2Links h2_links;
  base::IntrusiveList<StreamRelay> websockets;  // that are open
  std::uint32_t lingering = 0;                  // connections that linger()
  metrics::RequestCounters request_counters;
  metrics::RequestCounters call_counters;   // of gRPC; key.code: the grpc-status
  metrics::RequestCounters error_counters;  // of answers made here; key.code: the Termination
  metrics::RequestCounters relay_counters;  // of TCP; key.code: the Termination

 private:
  void run();
  Listening* listening(std::uint32_t id);
  Listening& add_listening(std::shared_ptr<ListenerRuntime> runtime);
  void flush_udp();
  bool make_room_for_client(std::size_t open);
  bool close_idle_client(Listening& listening);
  void begin_closing(Listening& listening);
  net::Task<void> finish_closing(std::uint32_t id, base::Nanoseconds limit);
  net::Task<void> sort_frames();
  net::Task<void> finish_draining(base::Nanoseconds limit);

  std::shared_ptr<const pool::Addresses> addresses_of(const pool::Backend& backend) const;

  SnapshotRef snapshot_;
  std::vector<std::unique_ptr<Listening>> listenings_;
  std::vector<UdpRelay*> unflushed_;
  std::vector<std::unique_ptr<ExchangeState>> states_;
  std::atomic<std::uint32_t> open_connections_{0};
  std::atomic<std::uint32_t> exchanges_{0};  // written by this worker only
  Placement placement_;
  net::TaskGroup closings_;  // one task per listener that is closing
  net::TaskGroup chores_;
  net::TaskGroup upkeep_;  // sort_frames()
  bool draining_ = false;
  base::TimePoint wall_clock_read_{};
  std::int64_t wall_clock_ms_ = 0;
  std::thread thread_;
  friend class Arrival;
};

}  // namespace weir::proxy
