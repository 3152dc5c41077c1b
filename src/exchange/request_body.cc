#include "exchange/request_body.h"

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "exchange/trailers.h"
#include "worker/termination.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Long enough for a client that stalls, or takes what lies in large buffers of the kernel.
constexpr auto kUsualGrace = std::chrono::seconds(60);

// From now on the backend owes a response to the reader of its header, if that is still to come.
void start_response_clock(const Facts& facts, const ClientSide& client, BackendSide& backend) {
  if (client.response_started()) return;
  backend.expect_response(net::Reactor::current().now() + facts.timeouts.response());
}

// Counts what was read. False when it ends the body early: body.client_failure says why, unless the read was cancelled.
bool accept(RequestBody& body, const base::Result<http::BodyPiece>& piece) {
  body.pulled = true;
  if (piece) {
    body.bytes += piece->data.size();
  } else if (piece.error().code != ErrorCode::cancelled) {
    body.client_failure =
        worker::naming_timeout(piece.error(), "no bytes of the request body within timeouts.body").on(Side::client);
  }
  return piece && !body.client_failure;
}

// Fields that filters remove from the header do not come back as trailers.
const http::HeaderMap* request_trailers(const RequestBody& body, const ClientSide& client,
                                        worker::ExchangeState& state) {
  return passing_trailers(client, state, [&](const http::HeaderField& field) {
    bool is_removed = body.filters != nullptr && body.filters->request_edit().removes(field);
    return !is_removed && http::request_trailer_may_pass(field);
  });
}

}  // namespace

base::Result<FirstPiece> first_piece(RequestBody& body, ClientSide& client, worker::ExchangeState& state) {
  client.start_body();
  FirstPiece first{.piece = {.data = {}, .last = true}};
  if (state.request.body.kind != http::BodyFraming::Kind::none) {
    base::Result<std::optional<http::BodyPiece>> buffered = client.buffered_body();
    if (!buffered) return std::unexpected(buffered.error().on(Side::client));
    first.piece = buffered->value_or(http::BodyPiece{});
    if (first.piece.last) first.trailers = request_trailers(body, client, state);
  }
  body.bytes = first.piece.data.size();
  return first;
}

net::Task<base::Result<FirstPiece>> staged_first_piece(RequestBody& body, ClientSide& client,
                                                       worker::ExchangeState& state) {
  base::Result<FirstPiece> first = first_piece(body, client, state);
  if (!first) co_return first;
  first->piece.data = state.arena.copy(first->piece.data);
  base::Result<http::BodyPiece> passed = co_await body.filters->pass(filter::Direction::request, first->piece);
  if (!passed) co_return std::unexpected(passed.error());
  first->piece = *passed;
  co_return first;
}

net::Task<void> pump_request_body(RequestBody& body, const Facts& facts, ClientSide& client, BackendSide& backend,
                                  PaceOwner& slow_client, worker::ExchangeState& state) {
  bool last = false;
  Pace pace;
  watch_pace(pace, slow_client, PaceOwner::Direction::request, facts);
  try {
    while (!last) {
      base::TimePoint deadline = net::Reactor::current().now() + facts.timeouts.body();
      // A client that waits for 100 Continue waits for the backend.
      if (!body.awaiting_continue || body.bytes > 0) pace.wait_begins();
      base::Result<http::BodyPiece> piece = co_await client.read_body(deadline);
      pace.wait_ends();
      if (accept(body, piece) && has_stages(body.filters, filter::Direction::request)) {
        piece = co_await body.filters->pass(filter::Direction::request, *piece);
        if (!piece && piece.error().code != ErrorCode::cancelled) body.client_failure = piece.error();
      }
      if (!piece || body.client_failure) {
        // The reader of the response finds the end of the stream.
        backend.cut();
        co_return;
      }
      last = piece->last;
      const http::HeaderMap* trailers = last ? request_trailers(body, client, state) : nullptr;
      base::Result<void> written = co_await backend.send_body(*piece, trailers, facts.timeouts.body());
      if (!written) {
        body.sending = RequestBody::Sending::stopped;
        start_response_clock(facts, client, backend);
        co_return;
      }
    }
  } catch (const std::bad_alloc&) {
    body.client_failure = base::kOutOfMemory;
    backend.cut();
    co_return;
  }
  body.sending = RequestBody::Sending::sent;
  body.sent_at = net::Reactor::current().now();
  start_response_clock(facts, client, backend);
}

// Calls of gRPC may be silent for as long as they like, and have deadlines of their own.
void watch_pace(Pace& pace, PaceOwner& owner, PaceOwner::Direction direction, const Facts& facts) {
  if (facts.is_call) return;
  const config::Route* route = facts.route_config;
  const config::MinRate& rule =
      route != nullptr && route->min_rate ? *route->min_rate : facts.listener->config->min_rate;
  if (rule.bytes_per_second == 0) return;
  base::Nanoseconds grace =
      rule.grace ? base::Nanoseconds(*rule.grace) : std::max<base::Nanoseconds>(kUsualGrace, facts.timeouts.body());
  pace.watch(owner, direction, rule.bytes_per_second, grace);
}

std::uint64_t SlowClient::moved(Direction direction) {
  return direction == Direction::request ? body_.bytes : side_.bytes_taken();
}

void SlowClient::too_slow(Direction direction) {
  was_cut_ = true;
  bool up = direction == Direction::request;
  const worker::ListenerRuntime& listener = *connection_.listening.runtime;
  (up ? listener.slow_requests : listener.slow_responses).add(connection_.worker.index);
  if (!up) return side_.cut();
  body_.client_failure =
      Error{.code = ErrorCode::timeout, .side = Side::client, .what = "the request's body comes too slowly"};
  body_.pump->cancel();
}

}  // namespace weir::exchange
