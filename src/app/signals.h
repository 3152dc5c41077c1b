// The signals that a running Weir follows: SIGHUP, SIGTERM, SIGINT.
#pragma once

#include <functional>

#include "base/error.h"
#include "net/task.h"

namespace weir::app {

// A descriptor that becomes readable with each of them, which are blocked from now on. Error{exhausted} when there is
// none to be had. Called before any thread starts, so that nobody else takes them.
base::Result<int> open_signals();

struct SignalActions {
  std::function<void()> reload;  // SIGHUP
  std::function<void()> stop;    // SIGTERM or SIGINT; a second one ends the process at once
};

// Follows the signals of `descriptor`, which it owns, until it is cancelled. Control thread.
net::Task<void> follow_signals(int descriptor, SignalActions actions);

}  // namespace weir::app
