// A worker's HTTP/1 and TCP connections to backends: idle ones kept for reuse, and busy ones lent to exchanges.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/intrusive_list.h"
#include "net/descriptor_budget.h"
#include "net/task.h"
#include "net/tcp.h"
#include "pool/backend.h"
#include "upstream/acquire_options.h"
#include "upstream/opener.h"
#include "upstream/place_semaphore.h"

namespace weir::upstream {

class OfBackend;

// One connection to a backend. Idle: watched for the backend closing it. Busy: owned by a Lease. Owned by its
// OfBackend, seen by upstream alone: others have a Lease.
class Connection final : public net::IoWaiter, public base::ListHook<Connection> {
 public:
  Connection(OfBackend& owner, net::TcpStream connected);
  void on_ready() override;    // closed, or bytes nobody asked for: either way of no more use
  void on_timeout() override;  // idle too long
  void cancel() override {}

  OfBackend& owner() { return owner_; }
  // Ends it under the exchange that uses it, which reads an end that is none.
  void cut();
  bool was_cut() const { return cut_; }
  void cancel_when_cut(net::TaskContext* context) { cancelled_by_cut_ = context; }

  net::TcpStream stream;
  std::uint32_t requests = 0;  // exchanges begun on it
  bool idle = false;
  bool unshared = false;                             // for its present exchange only
  std::shared_ptr<const pool::Addresses> addresses;  // among which its peer's was when it was last used

 private:
  OfBackend& owner_;
  net::UpstreamDescriptor counted_;
  bool cut_ = false;
  net::TaskContext* cancelled_by_cut_ = nullptr;
};

// A connection lent to one exchange. Closes it when destroyed, unless it was given back.
class Lease {
 public:
  Lease() = default;
  // `reused`: the connection has served another exchange before.
  Lease(Connection& connection, bool reused) : connection_(&connection), reused_(reused) {}
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
  bool was_cut() const { return connection_->was_cut(); }
  // Cutting cancels that chain as well; null for none, which it must be before the chain ends.
  void cancel_when_cut(net::TaskContext* context) { connection_->cancel_when_cut(context); }
  bool reused() const { return reused_; }

  // The exchange ended cleanly on it and the backend keeps it open: for the next exchange.
  void give_back();
  void close() {
    if (connection_ != nullptr) destroy();
  }
  // Takes the stream out of it, which ends the lease; the place of the connection is the caller's.
  net::TcpStream take_stream();
  // For the parts of upstream: the connection itself, and the same with the end of the lease.
  Connection& connection() { return *connection_; }
  Connection& release() { return *std::exchange(connection_, nullptr); }

 private:
  void destroy();
  Connection* connection_ = nullptr;
  bool reused_ = false;
};

// One per worker; the worker's thread only. Other workers are reached by their reactors' mailboxes.
class Connections final : public IdleHolder {
 public:
  Connections(std::uint32_t worker, PlaceSemaphore& places, Opener& opener);
  ~Connections();
  // All workers, by index; before any worker runs.
  void set_peers(std::span<const Peer> peers) { peers_.set(peers); }

  // An idle connection of this worker's, or an empty lease: the way of nearly every request, without waiting.
  Lease take_idle(const AcquireOptions& options);
  // Otherwise: one of another worker's, or a new one, or, at the backend's max_connections, the next that comes free.
  // Errors: those of Opener::open(); queue_full; timeout with side ours when the queue wait ended; no_backend when the
  // backend's drain timeout passed meanwhile.
  net::Task<base::Result<Lease>> acquire(AcquireOptions options);

  // Closes idle connections of backends that take no new work any more. Called when the snapshot changes.
  void close_idle_of_retired();
  // Breaks the connections that exchanges still use, and ends the waiting for one: their drain timeout has passed.
  void break_busy(const pool::Backend& backend);
  // Closes everything idle (Weir is stopping).
  void close_all_idle();
  bool close_one_idle() override;
  std::size_t idle_count() const { return idle_count_; }

  // A connection that came from another worker: to an exchange that waits, or idle.
  void adopt(const std::shared_ptr<pool::Backend>& backend, int fd, std::uint32_t requests,
             std::shared_ptr<const pool::Addresses> addresses);

 private:
  OfBackend& of(const std::shared_ptr<pool::Backend>& backend);
  OfBackend* find(const pool::Backend& backend);
  struct Takeover;
  net::Task<void> take_over(OfBackend& of_backend, Lease& taken);

  Peers peers_;
  PlaceSemaphore& places_;
  Opener& opener_;
  std::vector<std::unique_ptr<OfBackend>> by_slot_;
  std::size_t looked_at_ = 0;  // the slot whose idle connections make room next
  std::size_t idle_count_ = 0;
};

}  // namespace weir::upstream
