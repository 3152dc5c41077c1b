// The places for connections to one backend (its max_connections), as all workers count them.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::pool {

// A set of workers, by index modulo 64. It is a hint: code that acts on a member asks that worker, which knows. Any
// thread.
class WorkerSet {
 public:
  void add(std::uint32_t worker) { bits_.fetch_or(bit(worker), std::memory_order_seq_cst); }
  void remove(std::uint32_t worker) { bits_.fetch_and(~bit(worker), std::memory_order_seq_cst); }
  // The members as of now, for contains().
  std::uint64_t members() const { return bits_.load(std::memory_order_seq_cst); }
  static bool contains(std::uint64_t members, std::uint32_t worker) { return (members & bit(worker)) != 0; }

 private:
  static std::uint64_t bit(std::uint32_t worker) { return std::uint64_t{1} << (worker % 64); }
  std::atomic<std::uint64_t> bits_{0};
};

// Counts who has a place and who waits for one. Every connection to the backend has a place from before it is opened
// until it is closed, busy or idle, on whichever worker. The limit is a parameter because snapshots of several
// configurations may be in use at once; 0 means no limit. Who gets a place that comes free is the matter of
// upstream/place_semaphore.h. Any thread.
//
// All operations are sequentially consistent: a worker that frees a place and then sees nobody waiting, and one that
// begins to wait and then sees no place free, must not miss each other.
class ConnectionPlaces {
 public:
  // Takes a place, unless all of them are taken. Never takes one too many, not even for a moment: other workers would
  // see a surplus and close connections.
  bool claim(std::uint32_t limit) {
    std::uint32_t taken = taken_.load(std::memory_order_seq_cst);
    do {
      if (limit > 0 && taken >= limit) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_seq_cst));
    return true;
  }
  // Frees a place and tells nobody.
  void release() { taken_.fetch_sub(1, std::memory_order_seq_cst); }

  std::uint32_t taken() const { return taken_.load(std::memory_order_seq_cst); }
  // Whether more places are taken than there are: the limit was higher before.
  bool has_surplus(std::uint32_t limit) const { return limit > 0 && taken() > limit; }

  // An exchange of `worker` begins to wait for a place, or waits no longer; `last`: no other one waits there.
  void begin_waiting(std::uint32_t worker) {
    waiting_.fetch_add(1, std::memory_order_seq_cst);
    waiting_workers_.add(worker);
  }
  void end_waiting(std::uint32_t worker, bool last) {
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
    if (last) waiting_workers_.remove(worker);
  }
  // Exchanges that wait, over all workers.
  std::uint32_t waiting() const { return waiting_.load(std::memory_order_seq_cst); }
  const WorkerSet& waiting_workers() const { return waiting_workers_; }

  // Workers with idle connections, which others may take over together with their places.
  WorkerSet idle_workers;

 private:
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<std::uint32_t> waiting_{0};
  WorkerSet waiting_workers_;
};

}  // namespace weir::pool
