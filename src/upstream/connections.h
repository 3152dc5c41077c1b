// A worker's connections to backends: idle ones kept for reuse, busy ones lent to exchanges, and who waits for one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/free_list.h"
#include "base/intrusive_list.h"
#include "config/config.h"
#include "metrics/registry.h"
#include "net/descriptor_budget.h"
#include "net/task.h"
#include "net/tcp.h"
#include "net/wait.h"
#include "pool/backend.h"
#include "tls/connect.h"

namespace weir::upstream {

inline constexpr const char* kQueueFull =
    "no connection to the backend is free, and its queue is full (connections.max_queue)";

class Connections;
class H2Links;
struct OfBackend;
struct WithoutAddress;

// One connection to a backend. Idle: watched for the backend closing it. Busy: owned by a Lease.
class Connection final : public net::IoWaiter, public base::ListHook<Connection> {
 public:
  Connection(OfBackend& owner, net::TcpStream connected);
  ~Connection();
  void on_ready() override;    // closed, or bytes nobody asked for: either way of no more use
  void on_timeout() override;  // idle too long
  void cancel() override {}

  // Ends it under the exchange that uses it, which reads an end that is none.
  void cut();

  net::TcpStream stream;
  std::uint32_t requests = 0;  // exchanges begun on it

 private:
  friend class Connections;
  friend class Lease;
  friend class H2Links;
  friend struct Takeover;
  OfBackend& owner_;
  bool idle_ = false;
  bool cut_ = false;
  bool unshared_ = false;
  std::shared_ptr<const pool::Addresses> addresses_;  // among which its peer's was when it was last used
  net::TaskContext* cancelled_by_cut_ = nullptr;
};

// A connection lent to one exchange. Closes it when destroyed, unless it was given back.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)), reused_(other.reused_) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(connection_, other.connection_);
    std::swap(reused_, other.reused_);
    return *this;
  }
  ~Lease() { close(); }
  explicit operator bool() const { return connection_ != nullptr; }
  net::TcpStream& stream() { return connection_->stream; }
  // Breaks it; its streams end as if the backend had finished.
  void cut() { connection_->cut(); }
  bool was_cut() const { return connection_->cut_; }
  // Cutting cancels that chain as well; null for none, which it must be before the chain ends.
  void cancel_when_cut(net::TaskContext* context) { connection_->cancelled_by_cut_ = context; }
  bool reused() const { return reused_; }  // it has served another exchange before

  // The exchange ended cleanly on it and the backend keeps it open: for the next exchange.
  void give_back();
  void close() {
    if (connection_ != nullptr) destroy();
  }

 private:
  friend class H2Links;
  friend class Connections;
  Lease(Connection* connection, bool reused) : connection_(connection), reused_(reused) {}
  void destroy();
  Connection* connection_ = nullptr;
  bool reused_ = false;
};

// Counters of a pool's connections; handles into the registry.
struct ConnectionMetrics {
  metrics::Counter opened;
  metrics::Counter reused;
  metrics::Counter taken_over;
};

// The settings of a pool that an exchange needs to get a connection.
struct AcquireOptions {
  bool wants_tls() const { return tls != nullptr && *tls != nullptr; }

  const pool::BackendEntry* backend;  // alive until acquire() ends: the caller holds its snapshot
  const config::UpstreamConnections* settings;
  base::Nanoseconds connect_timeout;  // for each address
  base::Nanoseconds queue_timeout;    // at max_connections, in all
  const ConnectionMetrics* metrics;
  // TLS to the backends; null, or a null pointer: none. Connections of other rules are not reused.
  const std::shared_ptr<const tls::ClientContexts>* tls = nullptr;
  // The only protocol to offer by ALPN; empty: the pool's own.
  std::string_view only_protocol = {};
  bool established = false;        // HTTP/2: only a connection whose SETTINGS have come
  bool fresh = false;              // do not reuse: the last reused connection died
  base::TimePoint opened_since{};  // HTTP/2: only a connection that is no older
  // The request cannot be sent again: of a connection that others have used the kernel is asked whether the backend has
  // closed it.
  bool unrepeatable = false;
  // For one client only: neither one that others have used, nor one that others may use.
  bool unshared = false;
  std::string_view preamble = {};           // sent before anything else on a new connection; outlives acquire()
  const base::IpAddress* source = nullptr;  // of the connection (net::ConnectOptions::source); outlives acquire()
};

struct Peer {
  net::Reactor* reactor;
  Connections* connections;
};

// One per worker; the worker's thread only. Other workers are reached by their reactors' mailboxes.
class Connections {
 public:
  // `descriptors` says how many connections there may be, over all workers, and outlives them; null: any number.
  explicit Connections(std::uint32_t worker, net::DescriptorBudget* descriptors = nullptr);
  ~Connections();
  // All workers' connections, this one's included, by worker index; before any worker runs.
  void set_peers(std::span<const Peer> peers) { peers_ = peers; }

  // Where the addresses of a backend are found whose name was not resolved when the caller's snapshot was made; null
  // while there are none. Before any worker runs.
  using AddressSource = std::function<std::shared_ptr<const pool::Addresses>(const pool::Backend&)>;
  void set_address_source(AddressSource source) { address_source_ = std::move(source); }
  // The source may say something else by now: whoever waits for addresses looks again.
  void addresses_changed();

  // An idle connection of this worker's, or an empty lease: the way of nearly every request, without waiting.
  Lease take_idle(const AcquireOptions& options);
  // Otherwise: one of another worker's, or a new one, or, at the backend's max_connections, the next that comes free.
  // Errors: those of net::connect and tls::connect (after all addresses); no_backend when its name does not resolve;
  // queue_full; timeout with side ours when the queue wait ended; no_backend when the backend's drain timeout passed
  // meanwhile.
  net::Task<base::Result<Lease>> acquire(AcquireOptions options);

  // Closes idle connections of backends that take no new work any more. Called when the snapshot changes.
  void close_idle_of_retired();
  // Breaks the connections that exchanges still use, and ends the waiting for one: their drain timeout has passed.
  void break_busy(const pool::Backend& backend);
  // Closes everything idle (Weir is stopping).
  void close_all_idle();
  std::size_t idle_count() const { return idle_count_; }

 private:
  friend class Connection;
  friend class Lease;
  friend struct Takeover;
  friend class H2Links;
  OfBackend& of(const std::shared_ptr<pool::Backend>& backend);
  OfBackend* find(const pool::Backend& backend);

  net::Task<base::Result<net::TcpStream>> open(AcquireOptions options);
  net::Task<base::Result<std::shared_ptr<const pool::Addresses>>> wait_for_addresses(const pool::Backend& backend,
                                                                                     base::TimePoint deadline);
  net::Task<base::Result<net::TcpStream>> open_one_of(AcquireOptions options);
  // When there may be no more connections, an idle one makes room, here or on another worker: {exhausted} when none has
  // at the deadline.
  net::Task<base::Result<void>> wait_for_room(base::TimePoint deadline);
  void ask_for_room();
  bool close_one_idle();
  net::Task<base::Result<void>> secure(net::TcpStream& stream, const AcquireOptions& options,
                                       const base::SocketAddress& address, base::TimePoint deadline);
  // Frees one of the backend's places: whoever waits gets it, here or on another worker by turns, before anybody who
  // comes later.
  void free_place(const std::shared_ptr<pool::Backend>& backend);
  void pass_place_on(OfBackend& of_backend, bool used_here);
  // Closes the connection and keeps its place.
  void empty_place(Lease lease);
  struct Handed;
  net::Task<base::Result<Handed>> wait_in_queue(OfBackend& of_backend, const AcquireOptions& options,
                                                base::TimePoint deadline, bool at_front);
  net::Task<void> take_over(OfBackend& of_backend, Lease& taken);

  Lease lend(Connection& connection, bool reused);
  Connection& pop_idle(OfBackend& of_backend);
  void make_idle(Connection& connection);
  void forget(Connection& connection);
  void destroy(Connection& connection);
  void return_connection(Connection& connection);
  // A connection that came from another worker: to a waiter, or idle.
  void adopt(const std::shared_ptr<pool::Backend>& backend, int fd, std::uint32_t requests,
             std::shared_ptr<const pool::Addresses> addresses);
  // Whether an exchange of this snapshot can use it: TLS and address are what they should be by now, and it is alive as
  // far as that matters.
  static bool fits(Connection& connection, const AcquireOptions& options);
  void offer(Connection& connection, bool used_here);
  // Wakes a waiting task, here or on another worker: a connection became idle, or a place came free, just when it
  // began to wait.
  void wake_somebody(OfBackend& of_backend);
  const Peer* other_worker_in(std::uint64_t members);
  // The other worker whose waiters are to get what came free here; null: this worker's, if any waits.
  const Peer* whose_turn(OfBackend& of_backend, bool used_here);
  void send_place(const std::shared_ptr<pool::Backend>& backend, const Peer& to);

  std::uint32_t worker_;
  net::DescriptorBudget* descriptors_;
  std::size_t looked_at_ = 0;  // the slot whose idle connections make room next
  std::span<const Peer> peers_;
  H2Links* h2_links_ = nullptr;  // the same worker's
  std::vector<std::unique_ptr<OfBackend>> by_slot_;
  std::size_t idle_count_ = 0;
  AddressSource address_source_;
  base::IntrusiveList<WithoutAddress> without_address_;  // wait for the first look-up of a name
  std::uint32_t turn_ = 0;                               // where to begin looking for another worker
  std::uint32_t handed_over_ = 0;  // connections and places given to waiters of this and other workers by turns
};

}  // namespace weir::upstream
