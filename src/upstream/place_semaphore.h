// Who gets a place for a connection to a backend when all of them (its max_connections) are taken: a semaphore over all
// workers that is fair to each of them.
//
// The count is shared (pool::ConnectionPlaces); the waiting is not. Every worker has a queue of its own for each
// backend, first come, first served, and no worker touches the queue of another: it sends a message. So nothing is
// locked, and while places are free this costs one atomic operation.
//
// - A place that comes free while exchanges wait is handed over, still counted as taken. An exchange that comes later
//   finds no place free and goes behind the others: it cannot take the place of one that waits.
// - A place that comes free on a worker goes by turns to the first waiter of that worker and to the first one of
// another
//   worker, each other worker in its turn. If nobody waits on the worker itself, it always goes to another. So a busy
//   worker cannot keep all places for its own exchanges, and most of them stay where the connection is warm.
// - A place that another worker has sent belongs to whoever waits here. If nobody does any more, it is passed on.
// - The set of workers with waiters is a hint. A worker that is asked in vain passes the place, or the wake-up, on;
// with
//   nobody left to pass it to, the place is free.
// - A place may come with its connection. Then a waiter of this worker gets both, and the connection's owner sends its
//   socket to another worker whose turn it is (next_worker()).
// - When the limit was lowered, places in surplus are not handed over: they cease to be.
//
// docs/decisions/0014 says why it is this one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/task.h"
#include "net/wait.h"
#include "pool/backend.h"
#include "upstream/peer.h"

namespace weir::upstream {

class Connection;

inline constexpr const char* kQueueFull =
    "no connection to the backend is free, and its queue is full (connections.max_queue)";

// One worker's side of it, for all backends; the worker's thread only.
class PlaceSemaphore {
 public:
  explicit PlaceSemaphore(std::uint32_t worker) : peers_(worker) {}
  // All workers, by index; before any worker runs.
  void set_peers(std::span<const Peer> peers) { peers_.set(peers); }

  // How a wait has ended.
  struct Grant {
    enum class Kind : std::uint8_t {
      look_again,  // a place or an idle connection may have come free: claim it like anybody
      place,       // a place is the caller's, which opens a connection in it or calls free()
      connection,  // the same, with `connection` in it
    };
    Kind kind = Kind::look_again;
    Connection* connection = nullptr;
    // look_again: another exchange counts on the caller's looking. One that does not look calls wake_next().
    bool was_woken = false;
  };
  struct WaitOptions {
    std::uint32_t limit = 0;      // max_connections; not 0: there is no waiting without a limit
    std::uint32_t max_queue = 0;  // exchanges that may wait for the backend, over all workers
    base::TimePoint deadline;
    bool at_front = false;  // the caller has waited before, and was woken for nothing
    bool has_idle = false;  // a connection of this worker has become idle since the caller looked
  };
  // Waits for a place, after a claim has failed. The caller keeps `backend` alive until the wait has ended. Errors:
  // queue_full; timeout with side ours; cancelled; no_backend when leave() was called.
  net::Task<base::Result<Grant>> wait(const std::shared_ptr<pool::Backend>& backend, WaitOptions options);

  // Frees a place of the caller's: the waiter whose turn it is gets it. `limit`: max_connections as the caller knows
  // it.
  void free(const std::shared_ptr<pool::Backend>& backend, std::uint32_t limit) { pass_on(backend, limit, true); }

  // For a place that comes free with its connection. The worker whose waiters are to get it; null: one of this worker,
  // if any waits. `used_here`: it has served an exchange of this worker, and did not come from another one.
  const Peer* next_worker(const pool::Backend& backend, bool used_here);
  // Gives the connection, with its place, to the first waiter of this worker. False: nobody waits here.
  bool give_here(const pool::Backend& backend, Connection& connection);
  // Sends a place of the caller's to the waiters of another worker.
  void send(const Peer& to, const std::shared_ptr<pool::Backend>& backend, std::uint32_t limit);

  // Wakes one waiter, here or on another worker, so that it looks again: a connection became idle, or a place free,
  // just when it began to wait.
  void wake_next(const std::shared_ptr<pool::Backend>& backend);
  // Nothing will come free any more: the waits of this worker for that backend end.
  void leave(const pool::Backend& backend);

 private:
  struct Waiter final : base::ListHook<Waiter> {
    enum class Given : std::uint8_t { nothing, place, connection, end };
    net::Waiter waiter;
    Given given = Given::nothing;
    Connection* connection = nullptr;
  };
  using Queue = base::IntrusiveList<Waiter>;

  Queue& queue_of(const pool::Backend& backend);
  Waiter* pop(const pool::Backend& backend);
  void pass_on(const std::shared_ptr<pool::Backend>& backend, std::uint32_t limit, bool used_here);

  Peers peers_;
  // By the backend's slot. A queue knows no backend: its waiters keep theirs alive, and so its slot.
  std::vector<std::unique_ptr<Queue>> queues_;
  std::uint32_t handed_over_ = 0;  // places that came free here while others waited; odd: the turn of another worker
};

}  // namespace weir::upstream
