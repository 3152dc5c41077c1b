// How tries of backends end, and what that says of the backend.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "config/passive.h"
#include "pool/ejection_reason.h"

namespace weir::worker {

// The kind of work of a try: of connections and flows Weir does not know what their bytes mean.
enum class Carried : std::uint8_t { request, connection, flow };

// How a try ended, for the backend's counters, the strategy and passive checks.
struct TryOutcome {
  enum class How : std::uint8_t {
    abandoned,  // nothing is known of the backend: the client left, or the try waited in a queue
    answered,   // the backend did its part
    failed,     // by the backend's doing
  };
  How how = How::abandoned;
  std::uint16_t status = 0;               // of HTTP; 0: none
  std::optional<unsigned> grpc_status{};  // of a gRPC call that was answered
  base::Nanoseconds latency{0};           // to the backend's first byte; zero: unknown
  // Of that, from when the backend had the whole request, without what Weir and the client took; zero: unknown.
  base::Nanoseconds backend_time{0};
  bool stale = false;   // it failed because a reused connection had been closed before
  bool fresh = false;   // a request that was the first on a connection of its own
  base::Error error{};  // of a failed try

  // The try ended in `error`: the backend's failure unless another side caused it, or cancelled it.
  static TryOutcome of(const base::Error& error) {
    bool failed = error.side == base::Side::backend && error.code != base::ErrorCode::cancelled;
    return {.how = failed ? How::failed : How::abandoned, .error = error};
  }
};

// The verdict of a try on its backend.
enum class Finding : std::uint8_t {
  nothing,
  success,
  external_failure,  // the backend has answered, badly: `reason` is status or grpc_status
  local_failure,     // it has not, or not in full: `reason` is connect, reset, timeout or bad_response
};

struct Judgement {
  Finding finding = Finding::nothing;
  pool::EjectionReason reason = pool::EjectionReason::connect;  // of a failure
  bool like_a_crash = false;  // refused, or a request's new connection ended before its first byte

  bool is_failure() const { return finding == Finding::external_failure || finding == Finding::local_failure; }
};

// The steps of a try that judge() goes by.
struct TryProgress {
  Carried carried = Carried::request;
  bool connect_failed = false;  // there was no connection to be had
  bool responded = false;       // the first byte has come
};

// What `outcome` says of the backend, where `failures` are its bad answers. Nothing is said by a try that was
// abandoned, by a connection that had been closed while idle, by an HTTP/2 stream that was refused in order, by a
// response that falls silent after its header, by a datagram without an answer, and by a lack of ours. Pure.
Judgement judge(const TryOutcome& outcome, TryProgress progress, const config::FailureRules& failures);

}  // namespace weir::worker
