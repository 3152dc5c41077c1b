// Connections that were upgraded (RFC 9110 7.8): bytes both ways until both sides have finished.

#include <new>

#include "base/out_of_memory.h"
#include "base/text.h"
#include "proxy/exchange.h"
#include "proxy/stream_relay.h"
#include "relay/relay.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// The one of the two that carries this side.
class EitherEnd {
 public:
  EitherEnd(net::TcpStream* connection, http::H2Stream* stream) {
    if (connection != nullptr) {
      connection_.emplace(*connection);
    } else {
      stream_.emplace(*stream);
    }
  }
  TunnelEnd& operator*() { return connection_ ? static_cast<TunnelEnd&>(*connection_) : *stream_; }
  TunnelEnd* operator->() { return &**this; }

 private:
  std::optional<ConnectionEnd> connection_;
  std::optional<StreamEnd> stream_;
};

template <typename AnyRelay>
net::Task<base::Result<void>> carry(AnyRelay& relay, ClientSide& client, Worker& worker) {
  base::Result<void> relayed = co_await relay.run();
  worker.services.backend_bytes_out.add(worker.index, relay.bytes_from_client());
  worker.services.backend_bytes_in.add(worker.index, relay.bytes_from_backend());
  client.bytes_in += relay.bytes_from_client();
  client.bytes_out += relay.bytes_from_backend();
  co_return relayed;
}

}  // namespace

net::Task<base::Result<void>> Exchange::tunnel() {
  // Both sides finished looks like a broken connection, with bytes still to be read.
  client_side_.cancel_when_broken(nullptr);
  if (!request_.wants_upgrade || !body_sent_) {
    Error error{.code = ErrorCode::protocol,
                .side = Side::backend,
                .what = "101 without having been asked to switch protocols"};
    co_return std::unexpected(error);
  }
  upstream_time_ = worker_.reactor.now() - attempt_started_;
  EitherEnd client(client_side_.stream(), client_side_.h2_stream());
  EitherEnd backend(backend_side_->stream(), backend_side_->h2_stream());
  status_ = 101;
  const http::HeaderField* upgrade = response_.headers.find(http::HeaderId::upgrade);
  base::Result<void> written = co_await client_side_.switch_protocols(
      ResponseForClient(*this), upgrade != nullptr ? upgrade->value : std::string_view(), backend_side_->leftover(),
      backend_side_->h2_stream() != nullptr, timeouts_.body());
  if (!written) co_return written;
  std::string_view early_from_client = client_side_.leftover();
  if (!early_from_client.empty()) {
    client_side_.bytes_in += early_from_client.size();
    written = co_await backend->write(early_from_client, timeouts_.body());
    if (!written) co_return std::unexpected(written.error().on(Side::backend));
  }
  bool websocket = base::equal_ignoring_case(request_.upgrade, "websocket");
  StreamRelay streams(*client, *backend, websocket ? timeouts_.websocket() : timeouts_.tunnel());
  if (websocket) streams.follow_websocket(early_from_client, backend_side_->leftover());
  // A quiet tunnel holds no buffers.
  keep_what_is_logged();
  response_.headers.clear();
  client_side_.release_buffers();
  if (backend_side_->stream() != nullptr) backend_side_->release();
  response_.keep_alive = false;
  if (!websocket && client_side_.stream() != nullptr && backend_side_->stream() != nullptr) {
    Relay relay(*client_side_.stream(), *backend_side_->stream(), timeouts_.tunnel());
    base::Result<void> ended = co_await carry(relay, client_side_, worker_);
    if (!ended) co_return std::unexpected(naming_timeout(ended.error(), "nothing moved within timeouts.tunnel"));
    co_return ended;
  }
  streams.listening = &client_.listening;
  streams.backend = &tries_.backend();
  if (websocket) {
    worker_.websockets.push_back(streams);
    // That may have begun while the handshake was under way.
    streams.close_where_it_must_go();
  }
  base::Result<void> ended;
  try {
    ended = co_await carry(streams, client_side_, worker_);
  } catch (const std::bad_alloc&) {
    ended = std::unexpected(base::kOutOfMemory);
  }
  co_await streams.stop();
  if (websocket) worker_.websockets.remove(streams);
  if (streams.close_code() != 0) {
    bool restarts = streams.close_code() == kServiceRestart;
    termination_ = restarts ? Termination::backend_drained : Termination::drained;
    detail_ = restarts ? "the WebSocket was closed with 1012: its backend drains"
                       : "the WebSocket was closed with 1001: the listener closes or Weir stops";
  }
  if (ended) co_return ended;
  const char* late = websocket ? "nothing moved within timeouts.websocket" : "nothing moved within timeouts.tunnel";
  co_return std::unexpected(naming_timeout(ended.error(), late));
}

}  // namespace weir::proxy
