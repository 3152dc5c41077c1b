// The common facilities of the sessions and exchanges of one worker: its reactor, connections to backends, counters and
// snapshot.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/random.h"
#include "http/date.h"
#include "http2/shared.h"
#include "metrics/request_cells.h"
#include "net/reactor.h"
#include "upstream/connections.h"
#include "upstream/h2_links.h"
#include "worker/exchange_state.h"
#include "worker/held_snapshot.h"
#include "worker/listening.h"
#include "worker/open_websocket.h"
#include "worker/request_id.h"
#include "worker/services.h"
#include "worker/wall_clock.h"

namespace weir::worker {

// Functions are for the worker's own thread unless they say otherwise.
class Worker {
 public:
  Worker(std::uint32_t index, Services& services);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  const SnapshotRef& snapshot() const { return snapshot_; }
  // The snapshot that serves the connections of `listening`: the present one, or the last one that had the listener.
  const SnapshotRef& snapshot_of(const Listening& listening) const {
    return listening.last ? listening.last : snapshot_;
  }
  // From now on new work uses `next`. Returns the snapshot before it.
  SnapshotRef use(std::shared_ptr<const Snapshot> next);
  // Ends what belongs to backends and listeners that the present snapshot has not.
  void close_retired();
  // When the thread ends.
  void let_go();

  // Any thread: client connections that are open, also on their way here.
  std::uint32_t open_connections() const { return open_connections_.load(std::memory_order_relaxed); }
  // Any thread. A connection opened or is on its way here; it closed or came.
  void connection_opens() { open_connections_.fetch_add(1, std::memory_order_relaxed); }
  void connection_closes() { open_connections_.fetch_sub(1, std::memory_order_relaxed); }
  // Any thread: how much the worker has to do, in connections and exchanges: a connection of HTTP/2 weighs as much as
  // is asked for on it.
  std::uint32_t load() const { return open_connections() + exchanges_.load(std::memory_order_relaxed); }
  // One more exchange is under way, or one fewer.
  void exchange_begins() {
    exchanges_.store(exchanges_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void exchange_ends() { exchanges_.store(exchanges_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); }

  std::unique_ptr<ExchangeState> take_state() { return states_.take(); }
  void give_back(std::unique_ptr<ExchangeState> state) { states_.give_back(std::move(state)); }
  void shrink_states() { states_.shrink(); }
  // Wall-clock time as of this round.
  std::int64_t unix_ms() { return wall_clock_.unix_ms(reactor.now()); }
  bool draining() const { return draining_; }
  void begin_draining() { draining_ = true; }

  const std::uint32_t index;
  Services& services;
  net::Reactor reactor;
  upstream::Connections connections;
  base::Random random = base::Random::seeded();
  RequestIds request_ids;
  http::DateCache dates;
  http2::Shared h2;
  upstream::H2Links h2_links;
  base::IntrusiveList<OpenWebsocket> websockets;
  std::uint32_t lingering = 0;  // connections that linger()
  metrics::RequestCounters request_counters;
  metrics::RequestCounters call_counters;   // of gRPC; key.code: the grpc-status
  metrics::RequestCounters error_counters;  // of answers made here; key.code: the Termination
  metrics::RequestCounters relay_counters;  // of TCP; key.code: the Termination

 private:
  std::shared_ptr<const pool::Addresses> addresses_of(const pool::Backend& backend) const;

  SnapshotRef snapshot_;
  ExchangeStates states_;
  WallClock wall_clock_;
  std::atomic<std::uint32_t> open_connections_{0};
  std::atomic<std::uint32_t> exchanges_{0};  // written by this worker only
  bool draining_ = false;
};

}  // namespace weir::worker
