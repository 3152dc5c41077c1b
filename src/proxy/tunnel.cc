// Connections that were upgraded (RFC 9110 7.8): bytes both ways until both sides have finished.

#include "proxy/exchange.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// What the two directions know of each other.
struct Tunnel {
  base::TimePoint last_activity;
  base::Nanoseconds idle_limit;
  std::optional<Error> failure;
};

// Waits for bytes without holding a buffer. A direction may be quiet for as long as the other one is not.
net::Task<base::Result<void>> wait_for_bytes(net::TcpStream& from, Tunnel& tunnel) {
  while (true) {
    base::TimePoint deadline = tunnel.last_activity + tunnel.idle_limit;
    base::Result<void> ready = co_await from.wait_readable(deadline);
    if (ready || ready.error().code != ErrorCode::timeout) co_return ready;
    if (tunnel.last_activity + tunnel.idle_limit <= net::Reactor::current().now()) co_return ready;
  }
}

net::Task<void> relay(net::TcpStream& from, net::TcpStream& to, Side from_side, Tunnel& tunnel, std::uint64_t& bytes) {
  Side to_side = from_side == Side::client ? Side::backend : Side::client;
  while (true) {
    base::Result<void> ready = co_await wait_for_bytes(from, tunnel);
    if (!ready) {
      if (!tunnel.failure) tunnel.failure = ready.error().on(from_side);
      break;
    }
    base::Buffer buffer = base::Buffer::small();
    base::Result<std::size_t> got =
        co_await from.read({buffer.data(), buffer.capacity()}, tunnel.last_activity + tunnel.idle_limit);
    bool other_way_busy = tunnel.last_activity + tunnel.idle_limit > net::Reactor::current().now();
    if (!got && got.error().code == ErrorCode::timeout && other_way_busy) continue;
    if (!got) {
      if (!tunnel.failure) tunnel.failure = got.error().on(from_side);
      break;
    }
    tunnel.last_activity = net::Reactor::current().now();
    if (*got == 0) {
      to.finish_writing();
      co_return;
    }
    bytes += *got;
    std::string_view text(buffer.data(), *got);
    base::Result<void> written = co_await to.write(text, tunnel.idle_limit);
    if (!written) {
      if (!tunnel.failure) tunnel.failure = written.error().on(to_side);
      break;
    }
    tunnel.last_activity = net::Reactor::current().now();
  }
  // The other direction cannot go on alone after a failure.
  to.shut_down();
  from.shut_down();
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

  Tunnel state{.last_activity = worker_.reactor.now(), .idle_limit = timeouts_.tunnel(), .failure = std::nullopt};
  net::TaskGroup directions;
  directions.spawn(relay(client, backend, Side::client, state, client_side_.bytes_in));
  directions.spawn(relay(backend, client, Side::backend, state, client_side_.bytes_out));
  co_await directions.join();
  if (state.failure) co_return std::unexpected(*state.failure);
  co_return base::Result<void>();
}

}  // namespace weir::proxy
