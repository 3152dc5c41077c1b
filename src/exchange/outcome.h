// How an exchange ended: what metrics, the log and later steps read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "pool/backend.h"
#include "worker/termination.h"

namespace weir::exchange {

struct Outcome {
  std::uint16_t status = 0;  // sent to the client; kClientClosedRequest when it left before
  worker::Termination termination = worker::Termination::ok;
  std::string_view detail{};  // why, for the log; also of a try that was followed by another. Empty: nothing failed
  std::optional<base::Error> failure{};   // that no backend could make good
  std::optional<unsigned> grpc_status{};  // that the client of a gRPC call gets
  bool call_late = false;                 // the deadline of the call ended it
  bool filters_ended = false;             // resume_filters() got to its end,
  bool forward_ended = false;             // and forward()
  // The last try; zero and null without one.
  base::Nanoseconds upstream_time{0};  // from its start to the header of its response
  base::Nanoseconds queue_time{0};     // until it had a connection
  const pool::Backend* backend = nullptr;
  std::uint32_t attempts = 0;
  // Known at the end: headers and bodies, from and to the client.
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

}  // namespace weir::exchange
