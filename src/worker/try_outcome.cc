#include "worker/try_outcome.h"

namespace weir::worker {

using base::ErrorCode;
using pool::EjectionReason;

namespace {

Judgement local_failure(EjectionReason reason, bool like_a_crash = false) {
  return {.finding = Finding::local_failure, .reason = reason, .like_a_crash = like_a_crash};
}

Judgement of_answer(const TryOutcome& outcome, const config::FailureRules& failures) {
  if (failures.status_set.contains(outcome.status)) {
    return {.finding = Finding::external_failure, .reason = EjectionReason::status};
  }
  if (outcome.grpc_status && *outcome.grpc_status < 32 && (failures.grpc_mask >> *outcome.grpc_status & 1) != 0) {
    return {.finding = Finding::external_failure, .reason = EjectionReason::grpc_status};
  }
  return {.finding = Finding::success};
}

Judgement of_error(const TryOutcome& outcome, TryProgress progress) {
  const base::Error& error = outcome.error;
  // REFUSED_STREAM or GOAWAY: it goes, or has enough to do, and says so in order.
  if (error.retry_helps && !progress.connect_failed && progress.carried == Carried::request) return {};
  switch (error.code) {
    case ErrorCode::refused:
      return local_failure(EjectionReason::connect, true);
    case ErrorCode::unreachable:
      return local_failure(EjectionReason::connect);
    case ErrorCode::closed:
    case ErrorCode::reset:
      if (progress.connect_failed) return local_failure(EjectionReason::connect, true);
      return local_failure(EjectionReason::reset, outcome.fresh && !progress.responded);
    case ErrorCode::timeout:
      // Streams of events may be silent, and name servers answer no junk.
      if (progress.responded || progress.carried == Carried::flow) return {};
      return local_failure(progress.connect_failed ? EjectionReason::connect : EjectionReason::timeout);
    case ErrorCode::protocol:
    case ErrorCode::too_large:
      return local_failure(progress.connect_failed ? EjectionReason::connect : EjectionReason::bad_response);
    default:
      return {};
  }
}

}  // namespace

Judgement judge(const TryOutcome& outcome, TryProgress progress, const config::FailureRules& failures) {
  using enum TryOutcome::How;
  const bool is_request = progress.carried == Carried::request;
  if (outcome.how == abandoned || outcome.stale) return {};
  // Connections and flows said all there is to say with their first byte; but a datagram that is refused is news.
  bool is_news = progress.carried == Carried::flow && outcome.how == failed;
  if (!is_request && progress.responded && !is_news) return {};
  if (outcome.how == answered || outcome.grpc_status) return of_answer(outcome, failures);
  return of_error(outcome, progress);
}

}  // namespace weir::worker
