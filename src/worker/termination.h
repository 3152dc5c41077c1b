// How work for a client ended, in one word: the same in the access log, the metrics and the documentation, for
// requests, TCP connections and UDP flows.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tls/words.h"

namespace weir::worker {

// In the order of the names below.
enum class Termination : std::uint8_t {
  ok,
  // TCP: both sides finished, this one first.
  client_closed,
  backend_closed,  // also: the backend ended the connection where more was needed
  client_abort,
  client_timeout,
  client_protocol,
  client_too_large,
  client_too_slow,  // sent or took a body slower than min_rate
  client_unsupported,
  backend_drained,  // its drain_timeout has passed
  backend_exhausted,
  backend_failed,
  backend_protocol,
  backend_refused,
  backend_reset,
  backend_timeout,
  backend_too_large,
  backend_unhealthy,
  backend_unreachable,
  no_backend,
  no_route,
  queue_full,
  queue_timeout,
  idle_timeout,
  deadline,  // that a gRPC client gave its call
  drained,   // the listener closed or Weir stopped, and the time for that has passed
  evicted,
  refused,
  exhausted,
  internal,
};
inline constexpr std::array<std::string_view, 30> kTerminationNames = {
    "ok",
    "client_closed",
    "backend_closed",
    "client_abort",
    "client_timeout",
    "client_protocol",
    "client_too_large",
    "client_too_slow",
    "client_unsupported",
    "backend_drained",
    "backend_exhausted",
    "backend_failed",
    "backend_protocol",
    "backend_refused",
    "backend_reset",
    "backend_timeout",
    "backend_too_large",
    "backend_unhealthy",
    "backend_unreachable",
    "no_backend",
    "no_route",
    "queue_full",
    "queue_timeout",
    "idle_timeout",
    "deadline",
    "drained",
    "evicted",
    "refused",
    "exhausted",
    "internal",
};
static_assert(kTerminationNames.size() == static_cast<std::size_t>(Termination::internal) + 1);

constexpr std::string_view name(Termination how) { return kTerminationNames[static_cast<std::size_t>(how)]; }

// The word for work that ended in `error`. Of work that was cancelled the side says by whom: a client that left, a
// backend whose time to drain was over, or Weir.
Termination termination(const base::Error& error);

// Details that several places give.
inline constexpr const char* kListenerDrained =
    "drain_timeout has passed since the listener closed or Weir began to stop";
inline constexpr const char* kBackendDrained = "the backend's drain_timeout has passed";
inline constexpr const char* kClientTookNothing = "the client took no bytes within timeouts.body";

// `error`, which names the key of the deadline if it says that one of ours has passed: `what` is "nothing came within
// timeouts.body" and the like.
inline base::Error naming_timeout(base::Error error, const char* what) {
  if (error.code == base::ErrorCode::timeout && error.os_error == 0) error.what = what;
  return error;
}
// The same for an error of getting a connection to a backend.
inline base::Error naming_connect_timeout(const base::Error& error) {
  if (error.what == tls::kNoAnswer) return error;
  return naming_timeout(error, error.side == base::Side::ours
                                   ? "no connection to the backend was free within timeouts.queue"
                                   : "no connection to the backend within timeouts.connect");
}

}  // namespace weir::worker

// Until the exchange moves.
namespace weir::proxy {
using namespace weir::worker;
}
