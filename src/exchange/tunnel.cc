#include "exchange/tunnel.h"

#include <new>

#include "base/out_of_memory.h"
#include "base/text.h"
#include "exchange/exchange_end.h"
#include "exchange/response.h"
#include "exchange/stream_relay.h"
#include "exchange/tunnel_end.h"
#include "relay/relay.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

constexpr Error kNotAsked{
    .code = ErrorCode::protocol, .side = Side::backend, .what = "101 without having been asked to switch protocols"};
constexpr const char* kQuiet = "nothing moved within timeouts.tunnel";
constexpr const char* kQuietWebSocket = "nothing moved within timeouts.websocket";

template <typename AnyRelay>
net::Task<base::Result<void>> carry(AnyRelay& relay, ClientSide& client, worker::Worker& worker) {
  base::Result<void> relayed = co_await relay.run();
  worker.services.backend_bytes_out.add(worker.index, relay.bytes_from_client());
  worker.services.backend_bytes_in.add(worker.index, relay.bytes_from_backend());
  client.bytes_in += relay.bytes_from_client();
  client.bytes_out += relay.bytes_from_backend();
  co_return relayed;
}

// The head of 101, and what came behind it.
net::Task<base::Result<void>> pass_switch(Exchange& exchange) {
  BackendSide& backend = *exchange.attempt->side;
  const http::HeaderField* upgrade = exchange.state.response.headers.find(http::HeaderId::upgrade);
  std::string_view protocol = upgrade != nullptr ? upgrade->value : std::string_view();
  OutgoingHead<ResponseForClient> head(exchange, response_hop(exchange));
  co_return co_await exchange.client_side.switch_protocols(head.source(), protocol, backend.leftover(),
                                                           exchange.facts.timeouts.body());
}

// A quiet tunnel holds no buffers.
void release_buffers(Exchange& exchange) {
  BackendSide& backend = *exchange.attempt->side;
  keep_logged_fields(exchange.facts, exchange.state);
  exchange.state.response.headers.clear();
  exchange.client_side.release_buffers();
  if (backend.stream() != nullptr) backend.release();
  exchange.state.response.keep_alive = false;
}

// Whether a WebSocket was closed here, by our close frame.
void note_closing(const StreamRelay& streams, Outcome& outcome) {
  if (streams.close_code() == 0) return;
  bool restarts = streams.close_code() == kServiceRestart;
  outcome.termination = restarts ? worker::Termination::backend_drained : worker::Termination::drained;
  outcome.detail = restarts ? "the WebSocket was closed with 1012: its backend drains"
                            : "the WebSocket was closed with 1001: the listener closes or Weir stops";
}

net::Task<base::Result<void>> carry_streams(StreamRelay& streams, Exchange& exchange, bool websocket) {
  worker::Worker& worker = exchange.worker;
  streams.listening = &exchange.client.listening;
  streams.backend = &exchange.tries.backend();
  if (websocket) {
    worker.websockets.push_back(streams);
    // That may have begun while the handshake was under way.
    streams.close_where_it_must_go();
  }
  base::Result<void> ended;
  try {
    ended = co_await carry(streams, exchange.client_side, worker);
  } catch (const std::bad_alloc&) {
    ended = std::unexpected(base::kOutOfMemory);
  }
  co_await streams.stop();
  if (websocket) worker.websockets.remove(streams);
  note_closing(streams, exchange.outcome);
  if (ended) co_return ended;
  co_return std::unexpected(worker::naming_timeout(ended.error(), websocket ? kQuietWebSocket : kQuiet));
}

}  // namespace

net::Task<base::Result<void>> tunnel(Exchange& exchange) {
  ClientSide& client = exchange.client_side;
  Attempt& attempt = *exchange.attempt;
  const worker::TimeoutScopes& timeouts = exchange.facts.timeouts;
  const http::RequestHead& request = exchange.state.request;
  // Both sides finished looks like a broken connection, with bytes still to be read.
  client.cancel_when_broken(nullptr);
  if (!request.wants_upgrade || !exchange.body.was_sent()) co_return std::unexpected(kNotAsked);
  attempt.upstream_time = exchange.worker.reactor.now() - attempt.started;
  exchange.tries.head_came(101, false);
  EitherEnd client_end;
  EitherEnd backend_end;
  client.become(client_end);
  attempt.side->become(backend_end);
  exchange.outcome.status = 101;
  base::Result<void> written = co_await pass_switch(exchange);
  if (!written) co_return written;
  std::string_view early_from_client = client.leftover();
  if (!early_from_client.empty()) {
    client.bytes_in += early_from_client.size();
    written = co_await backend_end->write(early_from_client, timeouts.body());
    if (!written) co_return std::unexpected(written.error().on(Side::backend));
  }
  bool websocket = base::equal_ignoring_case(request.upgrade, "websocket");
  StreamRelay streams(*client_end, *backend_end, websocket ? timeouts.websocket() : timeouts.tunnel());
  if (websocket) streams.follow_websocket(early_from_client, attempt.side->leftover());
  release_buffers(exchange);
  if (!websocket && client.stream() != nullptr && attempt.side->stream() != nullptr) {
    relay::Relay relay(*client.stream(), *attempt.side->stream(), timeouts.tunnel());
    base::Result<void> ended = co_await carry(relay, client, exchange.worker);
    if (!ended) co_return std::unexpected(worker::naming_timeout(ended.error(), kQuiet));
    co_return ended;
  }
  co_return co_await carry_streams(streams, exchange, websocket);
}

}  // namespace weir::exchange
