// Connections that were upgraded (RFC 9110 7.8): bytes both ways until both sides have finished.

#include "proxy/exchange.h"
#include "proxy/relay.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

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
  net::TcpStream& client = *client_side_.stream();
  net::TcpStream& backend = *backend_side_->stream();
  status_ = 101;
  const http::HeaderField* upgrade = response_.headers.find(http::HeaderId::upgrade);
  base::Result<void> written = co_await client_side_.switch_protocols(
      ResponseForClient(*this), upgrade != nullptr ? upgrade->value : std::string_view(), backend_side_->leftover(),
      timeouts_.body());
  if (!written) co_return written;
  std::string_view early_from_client = client_side_.leftover();
  if (!early_from_client.empty()) {
    client_side_.bytes_in += early_from_client.size();
    written = co_await backend.write(early_from_client, timeouts_.body());
    if (!written) co_return std::unexpected(written.error().on(Side::backend));
  }
  // A quiet tunnel holds no buffers.
  keep_what_is_logged();
  client_side_.release_buffers();
  backend_side_->release();
  response_.keep_alive = false;

  Relay relay(client, backend, timeouts_.tunnel());
  base::Result<void> relayed = co_await relay.run();
  client_side_.bytes_in += relay.bytes_from_client();
  client_side_.bytes_out += relay.bytes_from_backend();
  co_return relayed;
}

}  // namespace weir::proxy
