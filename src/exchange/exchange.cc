// The whole way of a request, its steps in their order. Each works on the values of exchange_values.h; the larger steps
// have files of their own. The parts that differ between HTTP versions are behind ClientSide and BackendSide.
#include "exchange/exchange.h"

#include <new>

#include "base/out_of_memory.h"
#include "exchange/admit.h"
#include "exchange/error_page.h"
#include "exchange/exchange_end.h"
#include "exchange/exchange_values.h"
#include "exchange/grpc.h"
#include "exchange/grpc_call.h"
#include "exchange/pick.h"
#include "exchange/response.h"
#include "exchange/send_answer.h"
#include "exchange/tunnel.h"
#include "exchange/wait_for_filters.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Heads of 1xx before the final one. Each is kept until the exchange ends, and HTTP/2 has no flow control for heads.
constexpr int kMaxInterimHeads = 16;

// ---- admission and route

// The answer of a route to no backend; nothing: its pool is known.
std::optional<Answer> answer_of_route(Exchange& exchange) {
  const Facts& facts = exchange.facts;
  if (facts.max_forwards && facts.max_forwards->action == http::MaxForwards::Action::respond) {
    return status_answer({200, "Max-Forwards is 0: answered by the load balancer."}, exchange.state.request,
                         facts.request_id, exchange.state.arena);
  }
  if (facts.pool == nullptr) {
    return route_answer(facts, exchange.state.request, route_values(exchange), exchange.state.arena);
  }
  exchange.tries.use(*facts.pool, is_idempotent(exchange.state.request));
  return std::nullopt;
}

// The answer to a request that goes to no backend; nothing: its pool is known. Where there are filters they have been
// asked, and what follows on them is still to come: after_filters().
std::optional<Answer> answer_on_the_way(Exchange& exchange) {
  Facts& facts = exchange.facts;
  http::RequestHead& request = exchange.state.request;
  base::Arena& arena = exchange.state.arena;
  begin(facts, exchange.client, request, arena);
  exchange.body.awaiting_continue = request.expects_continue;
  if (auto refusal = admit(facts, exchange.client, exchange.client_side, request, arena)) {
    return status_answer(*refusal, request, facts.request_id, arena);
  }
  find_route(facts, exchange.client, request, arena);
  watch_pace(exchange.client_side.pace(), exchange.slow_client, PaceOwner::Direction::response, facts);
  begin_filtering(exchange);
  return exchange.filters ? exchange.filters->on_request() : answer_of_route(exchange);
}

// For a request that no filter has answered yet: one may have to wait before it can.
net::Task<std::optional<Answer>> after_filters(Exchange& exchange) {
  std::optional<Answer> answer;
  if (exchange.filters->is_waiting()) answer = co_await wait_for_filters(exchange);
  if (!answer && !exchange.outcome.failure) answer = answer_of_route(exchange);
  co_return answer;
}

// ---- one try on one backend

base::TimePoint response_deadline(const Exchange& exchange) {
  // Without the whole request the backend owes nothing; the pump starts the clock when it is done.
  if (!exchange.body.is_over()) return base::TimePoint::max();
  return exchange.worker.reactor.now() + exchange.facts.timeouts.response();
}

bool is_final(const http::ResponseHead& response) { return response.status == 101 || response.status >= 200; }

// Reads heads until the final one or that of 101 is in state.response, after an interim one. One deadline for all.
net::Task<base::Result<void>> pass_interim_heads(Exchange& exchange, base::TimePoint deadline) {
  http::ResponseHead& response = exchange.state.response;
  for (int interim = 1; interim <= kMaxInterimHeads; ++interim) {
    base::Result<void> relayed = co_await relay_interim(exchange);
    if (!relayed) co_return std::unexpected(relayed.error().on(Side::client));
    base::Result<void> read =
        co_await exchange.attempt->side->read_head(response, exchange.state.request.method, deadline);
    if (!read || is_final(response)) co_return read;
  }
  co_return std::unexpected(
      Error{.code = ErrorCode::protocol, .side = Side::backend, .what = "too many interim responses"});
}

Error request_error(Exchange& exchange, const Error& error) {
  return backend_error(worker::naming_timeout(error, "the backend took no bytes within timeouts.body"),
                       *exchange.attempt, exchange.request_watch);
}

Error response_error(Exchange& exchange, Error error) {
  if (exchange.body.client_failure) return *exchange.body.client_failure;
  if (error.side != Side::client) error = worker::naming_timeout(error, "no response header within timeouts.response");
  return backend_error(error, *exchange.attempt, exchange.request_watch);
}

RequestHop request_hop(Exchange& exchange, bool drops_length) {
  const Facts& facts = exchange.facts;
  RequestHop hop{.received_text = exchange.client_side.head_text(),
                 .drops_length = drops_length,
                 .call_timeout = call_timeout(facts, exchange.worker.reactor.now(), exchange.state.arena)};
  if (facts.listener->config->forward.port) hop.listener_port = exchange.client.facts.destination().port;
  return hop;
}

// The rest of the request's body, by a task of its own.
void pump_rest(Exchange& exchange) {
  net::TaskGroup& pump = exchange.body.pump.emplace();
  pump.spawn(pump_request_body(exchange.body, exchange.facts, exchange.client_side, *exchange.attempt->side,
                               exchange.slow_client, exchange.state));
}

// The body behind the stages of filters, which see its first piece before there is a link.
struct StagedBody {
  std::optional<FirstPiece> first{};
  bool changes_length = false;
  http::BodyFraming framing{};
};

net::Task<base::Result<void>> stage_body(Exchange& exchange, StagedBody& staged) {
  const http::BodyFraming& received = exchange.state.request.body;
  staged.framing = exchange.filters->begin_body(filter::Direction::request, received);
  staged.changes_length = staged.framing != received;
  if (!exchange.filters->has_stages(filter::Direction::request)) co_return base::Result<void>();
  base::Result<FirstPiece> first = co_await staged_first_piece(exchange.body, exchange.client_side, exchange.state);
  if (!first) co_return std::unexpected(first.error());
  staged.first = *first;
  co_return base::Result<void>();
}

net::Task<base::Result<void>> attempt(Exchange& exchange) {
  Attempt& attempt = *exchange.attempt;
  const Facts& facts = exchange.facts;
  worker::ExchangeState& state = exchange.state;
  exchange.body.sending = RequestBody::Sending::under_way;
  base::Result<void> done;
  StagedBody staged;
  if (exchange.filters) {
    done = co_await stage_body(exchange, staged);
    if (!done) co_return done;
  }
  LinkContext links{exchange.client, facts, state, exchange.tries, exchange.request_watch};
  if (!take_link(attempt, links)) done = co_await open_link(attempt, links);
  bool asked = done || done.error().side == Side::backend;
  if (asked && exchange.tries.under_way()) exchange.tries.reached();
  if (!done) co_return done;
  // Head and as much of the body as has arrived go out in one write.
  base::Result<FirstPiece> first =
      staged.first ? *staged.first : first_piece(exchange.body, exchange.client_side, state);
  if (!first) co_return std::unexpected(first.error());
  OutgoingHead<RequestForBackend> head(exchange, request_hop(exchange, staged.changes_length));
  const http::BodyFraming& framing = staged.changes_length ? staged.framing : state.request.body;
  attempt.asked = exchange.worker.reactor.now();
  done = co_await attempt.side->send_head(head.source(), state.request, framing, first->piece, first->trailers,
                                          facts.timeouts.body());
  if (!done) co_return std::unexpected(request_error(exchange, done.error()));
  if (first->piece.last) exchange.body.sending = RequestBody::Sending::sent;
  if (!first->piece.last) pump_rest(exchange);
  if (facts.is_call) exchange.tries.call_was_sent();
  base::TimePoint deadline = response_deadline(exchange);
  done = co_await attempt.side->read_head(state.response, state.request.method, deadline);
  if (done && !is_final(state.response)) done = co_await pass_interim_heads(exchange, deadline);
  if (!done) co_return std::unexpected(response_error(exchange, done.error()));
  if (exchange.request_watch != nullptr) exchange.request_watch->stop();
  if (state.response.status == 101) co_return co_await tunnel(exchange);
  attempt.upstream_time = exchange.worker.reactor.now() - attempt.started;
  facts.pool->runtime->upstream_duration.observe(exchange.worker.index,
                                                 static_cast<std::uint64_t>(attempt.upstream_time.count()));
  exchange.tries.head_came(state.response.status, facts.is_call);
  done = co_await relay_response(exchange);
  // A client that fails on its way in ends the backend's answer: not the backend's failure.
  if (!done && exchange.body.client_failure) co_return std::unexpected(*exchange.body.client_failure);
  co_return done;
}

// ---- tries

// Tries backends until one has answered, or nothing more may be tried: outcome.failure says why.
net::Task<void> forward(Exchange& exchange) {
  ClientSide& client = exchange.client_side;
  worker::BackendTries& tries = exchange.tries;
  exchange.facts.pool->runtime->retry_budget.count_request(exchange.worker.index, exchange.facts.started);
  net::TaskContext& context = co_await net::this_context();
  // A client that breaks its connection ends the work for it, wherever that waits.
  client.cancel_when_broken(&context);
  base::Result<void> outcome;
  bool again = false;
  do {
    std::uint32_t picked = pick(exchange);
    if (picked == balance::kNone) {
      outcome = std::unexpected(tries.none_is_eligible());
      break;
    }
    tries.begin(picked);
    exchange.attempt.emplace(exchange.worker.reactor.now());
    try {
      outcome = co_await attempt(exchange);
    } catch (const std::bad_alloc&) {
      outcome = std::unexpected(base::kOutOfMemory);
    }
    if (std::optional<net::TaskGroup>& pump = exchange.body.pump) {
      // By no task of its own, which might lack memory: the request's body goes on no longer than the attempt.
      pump->cancel();
      co_await pump->join();
      pump.reset();
    }
    end_attempt(exchange, outcome);
    if (outcome) break;
    exchange.outcome.detail = cause_of(exchange, outcome.error());
    again = tries.retry(outcome.error(), {.can_repeat = !client.response_started() && !exchange.body.pulled,
                                          .is_idempotent = is_idempotent(exchange.state.request),
                                          .stale = exchange.attempt->stale,
                                          .was_repeated = tries.repeats()});
  } while (again);
  client.cancel_when_broken(nullptr);
  if (!outcome) {
    // The bytes received may still be on their way out: end_failed() decides about them.
    exchange.outcome.failure = attributed(exchange, outcome.error());
  } else if (exchange.attempt->side != nullptr) {
    exchange.attempt->side->release();
  }
  exchange.outcome.forward_ended = true;
}

// forward(), cancelled at the deadline of the call or by timeouts.request wherever it waits: the streams and
// connections of the attempt are reset. The client still gets the answer that is left to give.
net::Task<void> forward_in_time(Exchange& exchange) {
  const Facts& facts = exchange.facts;
  Outcome& outcome = exchange.outcome;
  net::TaskGroup attempts;
  net::CancelAt watch(attempts, facts.call_deadline);
  std::optional<base::Nanoseconds> request = facts.timeouts.request();
  std::optional<net::CancelAt> request_watch;
  if (request) exchange.request_watch = &request_watch.emplace(attempts, facts.started + *request);
  bool late = facts.call_deadline <= facts.started;
  if (!late) {
    attempts.spawn(forward(exchange));
    co_await attempts.join();
    if (!outcome.forward_ended) throw std::bad_alloc();  // as if it had been awaited here
    bool request_late = outcome.failure && was_too_late(*outcome.failure, exchange.request_watch);
    if (request_late) outcome.failure = kRequestTimedOut;
    late = facts.is_call && request_late;
    late = late || (watch.passed() && outcome.failure && outcome.failure->code == ErrorCode::cancelled);
  }
  exchange.request_watch = nullptr;
  if (!late) co_return;
  // The client's choice: it says nothing of the backend, whose streams have been reset.
  outcome.call_late = true;
  outcome.failure =
      Error{.code = ErrorCode::timeout, .side = Side::backend, .what = "the deadline of the call has passed"};
}

// ---- failures

net::Task<void> answer_failure(Exchange& exchange) {
  const Error failure = *exchange.outcome.failure;
  const http::RequestHead& request = exchange.state.request;
  exchange.outcome.termination = ended_by(exchange, failure);
  if (status_of(failure) == kClientClosedRequest) {
    // The client is not there to read an answer.
    exchange.outcome.status = kClientClosedRequest;
    exchange.client_side.close_after();
    co_return;
  }
  // The rest of the body is not worth waiting for.
  if (failure.side == Side::client) exchange.client_side.give_up_body();
  Answer answer = error_answer(failure, request, exchange.facts.request_id, exchange.state.arena);
  answer.termination = exchange.outcome.termination;
  co_await send_answer(exchange, answer);
}

net::Task<void> end_failed(Exchange& exchange) {
  Outcome& outcome = exchange.outcome;
  const Error failure = *outcome.failure;
  outcome.detail = cause_of(exchange, failure);
  if (!exchange.client_side.response_started()) {
    co_await answer_failure(exchange);
    co_return;
  }
  bool quiet_tunnel = failure.side == Side::ours && failure.code == ErrorCode::timeout;
  bool idle = quiet_tunnel && !outcome.call_late;
  outcome.termination = idle ? worker::Termination::idle_timeout : ended_by(exchange, failure);
  if (outcome.call_late) {
    co_await end_call(exchange);
  } else {
    // Half an answer is out: the only honest end is a broken connection.
    exchange.client_side.abort();
  }
}

}  // namespace

// Without memory it ends as any failure does; the client never takes half a response for a whole one.
net::Task<void> serve_exchange(worker::ClientConnection& client, ClientSide& side, worker::ExchangeState& state) {
  Exchange exchange(client, side, state);
  try {
    std::optional<Answer> answer = answer_on_the_way(exchange);
    if (exchange.filters && !answer) answer = co_await after_filters(exchange);
    if (exchange.outcome.failure) {
      // The client left, or its time was over, while a filter waited.
    } else if (answer) {
      co_await send_answer(exchange, *answer);
    } else if (exchange.facts.has_deadline()) {
      co_await forward_in_time(exchange);
    } else {
      co_await forward(exchange);
    }
  } catch (const std::bad_alloc&) {
    side.cancel_when_broken(nullptr);
    exchange.request_watch = nullptr;
    exchange.outcome.failure = base::kOutOfMemory;
  }
  try {
    if (exchange.outcome.failure) co_await end_failed(exchange);
  } catch (const std::bad_alloc&) {
    side.abort();
  }
  try {
    finish(exchange);
  } catch (const std::bad_alloc&) {
    // It was served, and is not logged.
  }
}

net::Task<void> refuse_exchange(worker::ClientConnection& client, ClientSide& side, worker::ExchangeState& state,
                                http::Parsed parsed, worker::Termination how) {
  Exchange exchange(client, side, state);
  Facts& facts = exchange.facts;
  http::RequestHead& request = state.request;
  bool is_call = request.version == http::Version::http_2 && is_grpc(request.headers);
  // Nothing that was read of it decides anything.
  http::RequestHead read = request;
  request.clear();
  begin(facts, client, request, state.arena);
  facts.is_call = is_call;  // its client understands no other answer
  side.give_up_body();
  Answer answer = status_answer({parsed.status, parsed.what}, request, facts.request_id, state.arena);
  if (how != worker::Termination::ok) answer.termination = how;
  if (parsed.status == kClientClosedRequest || side.gone() != nullptr) {
    exchange.outcome.status = parsed.status;
    exchange.outcome.termination = answer.termination;
    exchange.outcome.detail = answer.detail;
  } else {
    co_await send_answer(exchange, answer);
  }
  const http::HeaderField* host = read.headers.find(http::HeaderId::host);
  if (host != nullptr && read.authority.empty()) read.authority = host->value;
  request = std::move(read);
  finish(exchange);
}

}  // namespace weir::exchange
