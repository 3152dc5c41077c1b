// The common facilities of the sessions and exchanges of one worker: its reactor, connections to backends, counters and
// snapshot.
#pragma once

#include <cstdint>
#include <memory>

#include "base/random.h"
#include "http2/shared.h"
#include "metrics/request_cells.h"
#include "net/reactor.h"
#include "upstream/links.h"
#include "worker/exchange_state.h"
#include "worker/held_snapshot.h"
#include "worker/listening.h"
#include "worker/load.h"
#include "worker/open_websocket.h"
#include "worker/request_id.h"
#include "worker/services.h"
#include "worker/wall_clock.h"

namespace weir::worker {

// Counters of what ended, one for each key that was met.
struct WorkerCounters {
  metrics::RequestCounters requests;
  metrics::RequestCounters calls;    // of gRPC; key.code: the grpc-status
  metrics::RequestCounters errors;   // answers made by Weir; key.code: the Termination
  metrics::RequestCounters relayed;  // connections of TCP; key.code: the Termination
};

// Functions are for the worker's own thread unless they say otherwise.
class Worker {
 public:
  // Takes its time from `clock`, which outlives it; null: the steady clock.
  Worker(std::uint32_t index, Services& services, const base::Clock* clock = nullptr);
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

  std::unique_ptr<ExchangeState> take_state() { return states_.take(); }
  void give_back(std::unique_ptr<ExchangeState> state) { states_.give_back(std::move(state)); }
  void shrink_states() { states_.shrink(); }
  // Wall-clock time as of this round, and as the value of a Date field, valid until the next call.
  std::int64_t unix_ms() { return wall_clock_.unix_ms(reactor.now()); }
  std::string_view date() { return wall_clock_.date(reactor.now()); }
  bool draining() const { return draining_; }
  void begin_draining() { draining_ = true; }

  const std::uint32_t index;
  Services& services;
  net::Reactor reactor;
  base::Random random = base::Random::seeded();
  RequestIds request_ids;
  http2::Shared h2;
  upstream::Links links;
  base::IntrusiveList<OpenWebsocket> websockets;
  std::uint32_t lingering = 0;  // connections that linger()
  WorkerCounters counters;
  Load load;

 private:
  std::shared_ptr<const pool::Addresses> addresses_of(const pool::Backend& backend) const;

  SnapshotRef snapshot_;
  ExchangeStates states_;
  WallClock wall_clock_;
  bool draining_ = false;
};

}  // namespace weir::worker
