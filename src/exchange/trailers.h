// Trailers that go on from one side of an exchange to the other.
#pragma once

#include "http/forward.h"
#include "http/message.h"
#include "worker/worker.h"

namespace weir::exchange {

// Those of the body that `from` has read to its end and that may_pass(field), in `state`; null when none were received.
// Good until the next call for the same exchange.
template <typename Side, typename MayPass>
const http::HeaderMap* passing_trailers(const Side& from, worker::ExchangeState& state, const MayPass& may_pass) {
  http::HeaderMap& received = state.received_trailers;
  received.clear();
  from.trailers(received);
  if (received.empty()) return nullptr;
  http::HeaderMap& passing = state.sent_trailers;
  passing.clear();
  for (const http::HeaderField& field : received) {
    if (may_pass(field)) passing.add(field);
  }
  return &passing;
}

}  // namespace weir::exchange
