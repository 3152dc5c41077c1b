#include "worker/termination.h"

namespace weir::worker {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

Termination client_termination(ErrorCode code) {
  switch (code) {
    case ErrorCode::protocol:
      return Termination::client_protocol;
    case ErrorCode::timeout:
      return Termination::client_timeout;
    case ErrorCode::too_large:
      return Termination::client_too_large;
    case ErrorCode::not_found:
      return Termination::client_unsupported;
    default:
      return Termination::client_abort;
  }
}

Termination backend_termination(ErrorCode code) {
  switch (code) {
    case ErrorCode::closed:
      return Termination::backend_closed;
    case ErrorCode::reset:
      return Termination::backend_reset;
    case ErrorCode::refused:
      return Termination::backend_refused;
    case ErrorCode::unreachable:
    case ErrorCode::not_found:
      return Termination::backend_unreachable;
    case ErrorCode::timeout:
      return Termination::backend_timeout;
    case ErrorCode::protocol:
      return Termination::backend_protocol;
    case ErrorCode::too_large:
      return Termination::backend_too_large;
    case ErrorCode::exhausted:
      return Termination::backend_exhausted;
    case ErrorCode::cancelled:
      return Termination::backend_drained;
    default:
      return Termination::backend_failed;
  }
}

}  // namespace

Termination termination(const Error& error) {
  if (error.code == ErrorCode::no_backend) return Termination::no_backend;
  if (error.code == ErrorCode::queue_full) return Termination::queue_full;
  if (error.side == Side::client) return client_termination(error.code);
  if (error.side == Side::backend) return backend_termination(error.code);
  if (error.code == ErrorCode::cancelled) return Termination::drained;
  if (error.code == ErrorCode::timeout) return Termination::queue_timeout;
  return error.code == ErrorCode::exhausted ? Termination::exhausted : Termination::internal;
}

}  // namespace weir::worker
