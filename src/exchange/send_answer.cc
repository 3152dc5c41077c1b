#include "exchange/send_answer.h"

#include "exchange/grpc.h"
#include "http/status.h"
#include "metrics/families.h"

namespace weir::exchange {

namespace {

void count_error(Exchange& exchange, worker::Termination how) {
  const worker::ListenerRuntime& listener = *exchange.client.listening.runtime;
  metrics::CellKey key{.listener = listener.id, .code = static_cast<std::uint32_t>(how)};
  worker::Worker& worker = exchange.worker;
  std::uint64_t version = exchange.facts.snapshot->version;
  metrics::Counter errors = worker.counters.errors.find(version, key, [&](const metrics::CellKey&) {
    return worker.services.registry->counter(metrics::families::kHttpErrors, {listener.name, name(how)});
  });
  errors.add(worker.index);
}

// Takes what of the body is in memory; with more to come the connection cannot go on.
void settle_request_body(const Exchange& exchange) {
  ClientSide& client = exchange.client_side;
  if (exchange.state.request.body.kind == http::BodyFraming::Kind::none || client.body_finished()) return;
  while (!exchange.body.pulled && !client.body_finished()) {
    base::Result<std::optional<http::BodyPiece>> piece = client.buffered_body();
    if (!piece || !*piece) break;
  }
  if (!client.body_finished()) client.give_up_body();
}

}  // namespace

net::Task<void> send_answer(Exchange& exchange, Answer answer) {
  ClientSide& client = exchange.client_side;
  Outcome& outcome = exchange.outcome;
  const Facts& facts = exchange.facts;
  base::Arena& arena = exchange.state.arena;
  if (exchange.filters == nullptr) begin_filtering(exchange);
  if (exchange.filters) exchange.filters->on_response(answer.status, nullptr);
  complete(answer, exchange.state.request, facts.request_id, arena);
  outcome.termination = answer.termination;
  if (!answer.detail.empty()) outcome.detail = answer.detail;
  if (answer.termination != worker::Termination::ok) count_error(exchange, answer.termination);
  if (facts.is_call && !answer.message.empty()) {
    outcome.grpc_status = grpc_status_of(answer.termination, answer.status);
    answer = call_answer(answer, *outcome.grpc_status, outcome.call_late, arena);
  }
  settle_request_body(exchange);
  if (exchange.closing()) client.close_after();
  outcome.status = answer.status;
  worker::Worker& worker = exchange.worker;
  answer.fields.add("date", worker.date(), arena);
  answer.fields.add("x-request-id", facts.request_id, arena);
  bool has_content = http::content_allowed(answer.status, exchange.state.request.method) && !answer.body.empty();
  http::BodyFraming framing;
  if (has_content) framing = {.kind = http::BodyFraming::Kind::length, .length = answer.body.size()};
  http::BodyPiece piece{.data = has_content ? answer.body : std::string_view(), .last = true};
  OutgoingHead<AnswerForClient> head(exchange, answer);
  base::Result<void> sent = co_await client.send_head(head.source(), framing, piece, nullptr, facts.timeouts.body());
  if (sent) co_return;
  // The client is gone, or fields of the configuration fill 64 KB: nothing sensible can follow.
  client.close_after();
  if (outcome.termination != worker::Termination::ok) co_return;
  outcome.termination = ended_by(exchange, sent.error());
  outcome.detail = cause_of(exchange, worker::naming_timeout(sent.error(), worker::kClientTookNothing));
}

}  // namespace weir::exchange
