#include "exchange/response.h"

#include "exchange/backend_time.h"
#include "exchange/grpc_call.h"
#include "exchange/pick.h"
#include "exchange/splice.h"
#include "exchange/trailers.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// From here on moving bytes inside the kernel is cheaper than copying them.
constexpr std::uint64_t kSpliceFrom = 48 * 1024;
constexpr Error kGrpcFailure{.code = ErrorCode::io, .side = Side::backend, .what = "its grpc-status is a failure"};

Error of_body(Error error) {
  return error.code == ErrorCode::cancelled ? error.on(Side::client) : error.on(Side::backend);
}

// Bytes that the kernel can move by itself.
bool is_plain(const net::TcpStream* stream) { return stream != nullptr && !stream->is_filtered(); }

// To an HTTP/1 client only if it said that it takes them (RFC 9110 6.5.1), and behind chunks.
const http::HeaderMap* response_trailers(const BackendSide& backend, worker::ExchangeState& state) {
  const http::RequestHead& request = state.request;
  bool chunked = state.response.body.kind == http::BodyFraming::Kind::chunked;
  bool taken = request.version == http::Version::http_2 || (chunked && http::accepts_trailers(request.headers));
  return taken ? passing_trailers(backend, state, http::trailer_may_pass) : nullptr;
}

// The rest of the body inside the kernel. Nothing where that cannot be, or without descriptors for a pipe.
std::optional<net::Pipe> pipe_for(std::uint64_t unread, BackendSide& backend, ClientSide& client) {
  if (unread < kSpliceFrom || !is_plain(client.stream()) || !is_plain(backend.stream())) return std::nullopt;
  base::Result<net::Pipe> pipe = net::Pipe::take();
  if (!pipe) return std::nullopt;
  return std::move(*pipe);
}

// The rest of the body, piece by piece; never more than one buffer of it is held.
net::Task<base::Result<void>> relay_body(Exchange& exchange) {
  ClientSide& client = exchange.client_side;
  BackendSide& backend = *exchange.attempt->side;
  worker::Worker& worker = exchange.worker;
  const base::Nanoseconds patience = exchange.facts.timeouts.body();
  std::uint64_t unread = backend.unread_length();
  const bool is_staged = has_stages(exchange.filters.get(), filter::Direction::response);
  if (std::optional<net::Pipe> pipe = pipe_for(is_staged ? 0 : unread, backend, client)) {
    std::uint64_t before = client.bytes_out;
    base::Result<void> moved = co_await splice_body(*pipe, *backend.stream(), *client.stream(), unread, patience,
                                                    client.pace(), client.bytes_out);
    worker.services.backend_bytes_in.add(worker.index, client.bytes_out - before);
    if (moved) backend.skip_body(unread);
    co_return moved;
  }
  bool last = false;
  while (!last) {
    base::Result<http::BodyPiece> piece = co_await backend.read_body(worker.reactor.now() + patience);
    if (!piece) co_return std::unexpected(of_body(piece.error()));
    if (is_staged) {
      piece = co_await exchange.filters->pass(filter::Direction::response, *piece);
      if (!piece) co_return std::unexpected(piece.error());
    }
    last = piece->last;
    const http::HeaderMap* trailers = last ? response_trailers(backend, exchange.state) : nullptr;
    base::Result<void> written = co_await client.send_body(*piece, trailers, patience);
    if (!written) co_return written;
  }
  co_return base::Result<void>();
}

}  // namespace

ResponseHop response_hop(Exchange& exchange, bool drops_length) {
  const http::ResponseHead& response = exchange.state.response;
  ResponseHop hop{
      .response = response, .received_text = exchange.attempt->side->head_text(), .drops_length = drops_length};
  if (response.status < 200) return hop;
  worker::Worker& worker = exchange.worker;
  // RFC 9110 6.6.1: who forwards a response without Date adds one.
  if (response.headers.find(http::HeaderId::date) == nullptr) hop.date = worker.date();
  if (exchange.tell_method) {
    hop.sticky_cookie =
        exchange.facts.pool->method->chosen(sticky_client(exchange), exchange.tries.index(), exchange.state.arena);
  }
  return hop;
}

net::Task<base::Result<void>> relay_interim(Exchange& exchange) {
  bool is_continue = exchange.state.response.status == 100;
  if (is_continue && !exchange.body.awaiting_continue) co_return base::Result<void>();
  if (is_continue) exchange.body.awaiting_continue = false;
  OutgoingHead<ResponseForClient> head(exchange, response_hop(exchange));
  co_return co_await exchange.client_side.send_interim(head.source(), exchange.facts.timeouts.body());
}

net::Task<base::Result<void>> relay_response(Exchange& exchange) {
  ClientSide& client = exchange.client_side;
  BackendSide& backend = *exchange.attempt->side;
  const http::ResponseHead& response = exchange.state.response;
  if (exchange.closing()) client.close_after();
  // An answer before the end of the request: nobody will read the rest of it.
  bool has_body = exchange.state.request.body.kind != http::BodyFraming::Kind::none;
  if (has_body && !client.body_finished() && !exchange.body.was_sent()) client.give_up_body();
  backend.start_body(response.body);
  base::Result<std::optional<http::BodyPiece>> buffered = backend.buffered_body();
  if (!buffered) co_return std::unexpected(buffered.error().on(Side::backend));
  http::BodyPiece piece = buffered->value_or(http::BodyPiece{});
  const http::HeaderMap* trailers = piece.last ? response_trailers(backend, exchange.state) : nullptr;
  exchange.outcome.status = response.status;
  const http::BodyFraming* framing = &response.body;
  http::BodyFraming behind_stages;
  if (exchange.filters) {
    exchange.filters->on_response(response.status, &response.headers);
    behind_stages = exchange.filters->begin_body(filter::Direction::response, response.body);
    framing = &behind_stages;
    if (exchange.filters->has_stages(filter::Direction::response)) {
      base::Result<http::BodyPiece> passed = co_await exchange.filters->pass(filter::Direction::response, piece);
      if (!passed) co_return std::unexpected(passed.error());
      piece = *passed;
    }
  }
  // Nothing more is to come from the backend; what it said stays where it is.
  if (piece.last && exchange.body.was_sent()) end_attempt(exchange, {});

  const bool drops_length = framing != &response.body && *framing != response.body;
  OutgoingHead<ResponseForClient> head(exchange, response_hop(exchange, drops_length));
  base::Result<void> done =
      co_await client.send_head(head.source(), *framing, piece, trailers, exchange.facts.timeouts.body());
  if (!done && !client.response_started()) {
    Error error{.code = done.error().code, .side = Side::backend, .what = done.error().what};
    co_return std::unexpected(error);
  }
  if (done && !piece.last) done = co_await relay_body(exchange);
  if (done) co_return done;
  bool slow_client = done.error().side == Side::client;
  const char* late = slow_client ? worker::kClientTookNothing : "no bytes of the response body within timeouts.body";
  co_return std::unexpected(worker::naming_timeout(done.error(), late));
}

namespace {

Asked asked_by(const Exchange& exchange) {
  return {.at = exchange.attempt->asked, .body_sent_at = exchange.body.sent_at, .in_full = exchange.body.was_sent()};
}

// To its header. One that came before the end of the request tells of nothing.
base::Nanoseconds backend_time(const Exchange& exchange) {
  const Attempt& attempt = *exchange.attempt;
  if (attempt.upstream_time == base::Nanoseconds(0)) return base::Nanoseconds(0);
  return time_since_asked(asked_by(exchange), attempt.started + attempt.upstream_time);
}

// Whether timeouts.request has ended a try for which the client, a filter, a queue or earlier tries took most of that
// time.
bool is_late_by_others(const Exchange& exchange, const Error& error) {
  if (std::string_view(error.what) != kRequestTimedOut.what) return false;
  base::Nanoseconds all = exchange.facts.timeouts.request().value_or(base::Nanoseconds(0));
  return !is_late_by_backend(asked_by(exchange), exchange.worker.reactor.now(), all);
}

}  // namespace

void end_attempt(Exchange& exchange, const base::Result<void>& result) {
  if (!exchange.tries.under_way()) return;
  Attempt& attempt = *exchange.attempt;
  const http::ResponseHead& response = exchange.state.response;
  worker::TryOutcome ended{.how = worker::TryOutcome::How::answered};
  if (!result) {
    ended = worker::TryOutcome::of(attributed(exchange, result.error()));
    ended.stale = attempt.stale;
    ended.fresh = attempt.side != nullptr && attempt.side->is_fresh();
    if (is_late_by_others(exchange, result.error())) ended.how = worker::TryOutcome::How::abandoned;
  } else if (exchange.facts.is_call && attempt.side != nullptr) {
    ended.grpc_status = grpc_status_of_response(response, *attempt.side, exchange.state.received_trailers);
    if (ended.grpc_status) exchange.outcome.grpc_status = ended.grpc_status;
    if (ended.grpc_status && !is_fine(*exchange.facts.pool, *ended.grpc_status)) {
      ended.how = worker::TryOutcome::How::failed;
      ended.error = kGrpcFailure;
    }
  }
  if (result) ended.status = response.status;
  ended.latency = attempt.upstream_time;
  ended.backend_time = backend_time(exchange);
  exchange.tries.end(ended);
  // A backend that did not take an upgrade may have understood the request in a way of its own.
  bool clean = result && response.keep_alive && exchange.body.was_sent() && !exchange.state.request.wants_upgrade;
  if (attempt.side != nullptr) attempt.side->end(clean);
}

}  // namespace weir::exchange
