// A listener on one worker, as the sessions of its connections see it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "worker/held_snapshot.h"
#include "worker/listener_runtime.h"

namespace weir::worker {

class TcpConnection;

// Written by the owner of the listener only, the connections aside. The worker's thread only.
struct Listening {
  std::shared_ptr<ListenerRuntime> runtime;
  std::uint32_t index = UINT32_MAX;                   // in the listeners of its snapshot; UINT32_MAX: in none yet
  SnapshotRef last{};                                 // the last snapshot that had it, when the present one has not
  bool closing = false;                               // no new requests on its connections
  base::TimePoint begin_by = base::TimePoint::max();  // nothing begins any more after that
  base::IntrusiveList<TcpConnection> connections{};   // that have a session
};

}  // namespace weir::worker
