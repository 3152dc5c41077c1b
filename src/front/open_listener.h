// A listener on one worker with all that it owns there.
#pragma once

#include <memory>
#include <vector>

#include "net/task_group.h"
#include "relay/udp_relay.h"
#include "worker/listening.h"

namespace weir::front {

// It may have sockets of several kinds, each with its owner: acceptors those that take connections, a relay those for
// datagrams. Sessions do not depend on the kind. The worker's thread only. Its groups must be empty when it goes.
struct OpenListener {
  explicit OpenListener(std::shared_ptr<worker::ListenerRuntime> shared) : listening{.runtime = std::move(shared)} {}

  worker::Listening listening;
  bool followed = false;     // another listener accepts on the same sockets now
  std::vector<int> sockets;  // the acceptors'
  net::TaskGroup acceptors;
  net::TaskGroup stages;  // connections before their sessions
  net::TaskGroup sessions;
  std::unique_ptr<relay::UdpRelay> udp;  // null without sockets for datagrams
};

}  // namespace weir::front
