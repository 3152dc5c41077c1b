#include "exchange/exchange_values.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

Error attributed(const Exchange& exchange, Error error) {
  if (error.code == ErrorCode::cancelled) {
    const char* gone = exchange.client_side.gone();
    return {.code = error.code,
            .side = gone != nullptr ? Side::client : Side::ours,
            .what = gone != nullptr ? gone : worker::kListenerDrained};
  }
  bool lost = error.side == Side::backend && (error.code == ErrorCode::closed || error.code == ErrorCode::reset);
  const worker::BackendTries& tries = exchange.tries;
  if (lost && tries.has_backend() && tries.backend().cut_off.load(std::memory_order_relaxed)) {
    return {.code = ErrorCode::cancelled, .side = Side::backend, .what = worker::kBackendDrained};
  }
  return error;
}

worker::Termination ended_by(const Exchange& exchange, const Error& error) {
  if (exchange.outcome.call_late) return worker::Termination::deadline;
  return exchange.slow_client.was_cut() ? worker::Termination::client_too_slow : worker::termination(error);
}

std::string_view cause_of(const Exchange& exchange, const Error& error) {
  if (exchange.slow_client.was_cut()) return "the client was slower than min_rate";
  return error.os_error == 0 ? std::string_view(error.what) : exchange.state.arena.copy(base::cause(error));
}

}  // namespace weir::exchange
