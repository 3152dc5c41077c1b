#include "exchange/grpc_call.h"

#include "config/grpc_statuses.h"
#include "exchange/grpc.h"
#include "metrics/families.h"

namespace weir::exchange {

using base::ErrorCode;
using base::Side;

namespace {

constexpr unsigned kCancelled = 1, kUnknown = 2, kDeadlineExceeded = 4, kInternal = 13;

// The status that the client of the call has got, or makes of how it ended.
unsigned status_told(const Outcome& outcome) {
  if (outcome.grpc_status) return *outcome.grpc_status;
  if (outcome.call_late) return kDeadlineExceeded;
  if (outcome.failure) {
    bool by_us = outcome.failure->code == ErrorCode::cancelled && outcome.failure->side == Side::ours;
    // A stream that was reset with INTERNAL_ERROR means INTERNAL to clients.
    return by_us || outcome.failure->side == Side::client ? kCancelled : kInternal;
  }
  return outcome.status != 200 ? grpc_status_of(outcome.status) : kUnknown;
}

}  // namespace

std::optional<StatusAnswer> begin_call(Facts& facts, const http::RequestHead& request) {
  const http::HeaderField* field = request.headers.find(http::HeaderId::grpc_timeout);
  if (field == nullptr) return std::nullopt;
  std::optional<base::Nanoseconds> timeout = parse_grpc_timeout(field->value);
  if (!timeout) return StatusAnswer{400, "grpc-timeout is not 1 to 8 digits and one of H, M, S, m, u, n."};
  if (*timeout != kNoGrpcDeadline) facts.call_deadline = facts.started + *timeout;
  return std::nullopt;
}

// The time that the call has spent here is gone.
std::string_view call_timeout(const Facts& facts, base::TimePoint now, base::Arena& arena) {
  return facts.has_call_deadline() ? format_grpc_timeout(facts.call_deadline - now, arena) : std::string_view();
}

std::optional<unsigned> grpc_status_of_response(const http::ResponseHead& response, const BackendSide& backend,
                                                http::HeaderMap& trailers) {
  if (response.status != 200 || !is_grpc(response.headers)) return std::nullopt;
  if (std::optional<unsigned> status = grpc_status_in(response.headers)) return status;
  trailers.clear();
  backend.trailers(trailers);
  return grpc_status_in(trailers).value_or(kUnknown);
}

net::Task<void> end_call(Exchange& exchange) {
  ClientSide& client = exchange.client_side;
  const http::ResponseHead& response = exchange.state.response;
  bool can_follow = client.can_end_by_trailers() && is_grpc(response.headers) &&
                    response.body.kind != http::BodyFraming::Kind::length;
  if (!can_follow) {
    client.cancel();
    co_return;
  }
  exchange.outcome.grpc_status = kDeadlineExceeded;
  http::HeaderMap& trailers = exchange.state.sent_trailers;
  trailers.clear();
  trailers.add("grpc-status", "4");
  trailers.add("grpc-message", kGrpcDeadlineExceeded);
  http::BodyPiece end{.data = {}, .last = true};
  base::Result<void> sent = co_await client.send_body(end, &trailers, exchange.facts.timeouts.body());
  if (!sent) client.abort();
}

void count_call(const Exchange& exchange) {
  const Facts& facts = exchange.facts;
  const worker::ListenerRuntime& listener = *exchange.client.listening.runtime;
  unsigned status = status_told(exchange.outcome);
  metrics::CellKey key{.listener = listener.id, .route = facts.route, .backend = 0, .code = status};
  worker::Worker& worker = exchange.worker;
  metrics::Counter calls = worker.counters.calls.find(facts.snapshot->version, key, [&](const metrics::CellKey&) {
    return worker.services.registry->counter(
        metrics::families::kGrpcRequests,
        {listener.name, facts.route_name(), facts.pool_name(), config::kGrpcStatuses[status]});
  });
  calls.add(worker.index);
}

}  // namespace weir::exchange
