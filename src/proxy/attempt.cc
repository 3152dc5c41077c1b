// One try of an exchange on one backend.

#include "proxy/exchange.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

net::Task<base::Result<void>> Exchange::attempt() {
  const pool::BackendEntry& entry = choice_.entry();
  body_sent_ = body_stopped_ = stale_connection_ = heard_ = false;
  upstream_time_ = {};
  upstream::AcquireOptions options{.backend = &entry,
                                   .settings = &pool_->config->connections,
                                   .connect_timeout = timeouts_.connect(),
                                   .queue_timeout = timeouts_.queue(),
                                   .metrics = &pool_->runtime->connections,
                                   .fresh = fresh_};
  if (!fresh_) {
    lease_ = worker_.connections.take_idle(options);
    // What cannot be repeated must not meet a connection that the backend has just closed.
    while (lease_ && !is_idempotent() && !lease_.stream().is_quiet_now()) {
      lease_.close();
      lease_ = worker_.connections.take_idle(options);
    }
  }
  if (!lease_) {
    base::Result<upstream::Lease> acquired = co_await worker_.connections.acquire(options);
    queue_time_ = worker_.reactor.now() - attempt_started_;
    if (!acquired) {
      Error error = acquired.error();
      if (error.side == Side::backend && is_connect_failure(error.code)) choice_.connect_failed(error.code);
      error.retry_helps = error.code != ErrorCode::cancelled;
      co_return std::unexpected(error);
    }
    lease_ = std::move(*acquired);
    choice_.connected();
  }

  base::Result<void> sent = co_await send_request();
  if (!sent) co_return std::unexpected(backend_error(sent.error()));
  do {
    base::Result<void> answered = co_await read_response_head();
    if (!answered) co_return std::unexpected(client_failure_.value_or(answered.error()));
    if (response_.status == 101) co_return co_await tunnel();
    if (response_.status >= 200) break;
    base::Result<void> relayed = co_await relay_interim();
    if (!relayed) co_return std::unexpected(relayed.error().on(Side::client));
  } while (true);
  upstream_time_ = worker_.reactor.now() - attempt_started_;
  pool_->runtime->upstream_duration.observe(worker_.index, static_cast<std::uint64_t>(upstream_time_.count()));
  co_return co_await relay_response();
}

// Whose fault and whether another try is safe: a reused connection that died before a byte came back was most likely
// closed by the backend before the request arrived.
Error Exchange::backend_error(Error error) {
  if (error.side == Side::client) return error;
  error.side = error.code == ErrorCode::cancelled ? Side::client : Side::backend;
  stale_connection_ = lease_.reused() && !heard_ && (error.code == ErrorCode::closed || error.code == ErrorCode::reset);
  error.retry_helps = stale_connection_;
  return error;
}

// Head and as much of the body as has arrived go out in one write; the rest of the body follows by a task of its own.
net::Task<base::Result<void>> Exchange::send_request() {
  client_body_.start(request_.body, behind_head_);
  base::Buffer out = base::Buffer::small();
  std::string_view head = compose_request_head(out);
  if (head.empty()) {
    // A rewrite that makes no usable path of this one, or changes that make the head larger than 64 KB.
    Error error{.code = ErrorCode::protocol, .side = Side::client, .what = "the route cannot rewrite this request"};
    co_return std::unexpected(error);
  }
  http::BodyPiece piece{.data = {}, .last = true};
  if (request_.body.kind != http::BodyFraming::Kind::none) {
    base::Result<std::optional<http::BodyPiece>> buffered = client_body_.buffered();
    if (!buffered) co_return std::unexpected(buffered.error().on(Side::client));
    piece = buffered->value_or(http::BodyPiece{});
  }
  std::array<char, http::kChunkHeaderBytes> chunk_header;
  std::array<std::string_view, 4> parts{head, piece.data, {}, {}};
  std::size_t count = 2;
  if (request_.body.kind == http::BodyFraming::Kind::chunked) {
    std::size_t header_bytes = piece.data.empty() ? 0 : http::write_chunk_header(chunk_header, piece.data.size());
    std::string_view tail = piece.last && client_body_.trailers().empty()
                                ? (piece.data.empty() ? http::kLastChunkWithoutTrailers : "\r\n0\r\n\r\n")
                                : (piece.data.empty() ? std::string_view() : http::kChunkEnd);
    parts = {head, {chunk_header.data(), header_bytes}, piece.data, tail};
    count = 4;
    // Trailers that came with everything else are rare: they go out by the pump.
    if (piece.last && !client_body_.trailers().empty()) piece.last = false;
  }
  body_bytes_ = piece.data.size();
  if (request_body_too_large(body_bytes_)) {
    Error error{.code = ErrorCode::too_large, .side = Side::client, .what = "request body"};
    co_return std::unexpected(error);
  }
  std::size_t total = 0;
  for (std::string_view part : parts) total += part.size();
  net::WriteOperation write = lease_.stream().write(std::span(parts.data(), count), timeouts_.body());
  base::Result<void> written = co_await write;
  if (!written) co_return std::unexpected(written.error());
  worker_.services.backend_bytes_out.add(worker_.index, total);
  body_sent_ = piece.last;
  if (!piece.last) {
    pump_.emplace();
    pump_->spawn(pump_request_body());
  }
  co_return base::Result<void>();
}

// A final or interim head in response_; bytes behind it stay between upstream_begin_ and upstream_end_.
net::Task<base::Result<void>> Exchange::read_response_head() {
  if (!upstream_buffer_) {
    upstream_buffer_ = base::Buffer::small();
    upstream_begin_ = upstream_end_ = 0;
  }
  // Without the whole request the backend owes nothing; the pump starts the clock when it is done.
  base::TimePoint deadline =
      body_sent_ || body_stopped_ ? worker_.reactor.now() + timeouts_.response() : base::TimePoint::max();
  while (true) {
    base::Result<bool> complete = take_response_head();
    if (!complete) co_return std::unexpected(complete.error());
    if (*complete) co_return base::Result<void>();
    std::span<char> room(upstream_buffer_.data() + upstream_end_, upstream_buffer_.capacity() - upstream_end_);
    base::Result<std::size_t> got = co_await lease_.stream().read(room, deadline);
    if (!got) co_return std::unexpected(backend_error(got.error()));
    if (*got == 0) {
      Error closed{.code = ErrorCode::closed, .what = "the backend closed the connection before a response"};
      co_return std::unexpected(backend_error(closed));
    }
    upstream_end_ += *got;
    heard_ = true;
    worker_.services.backend_bytes_in.add(worker_.index, *got);
    if ((body_sent_ || body_stopped_) && deadline == base::TimePoint::max())
      deadline = worker_.reactor.now() + timeouts_.response();
  }
}

base::Result<bool> Exchange::take_response_head() {
  if (upstream_begin_ == upstream_end_) {
    upstream_begin_ = upstream_end_ = 0;
    return false;
  }
  constexpr http::HeadLimits kLimits{
      .start_line_bytes = 16 * 1024, .head_bytes = base::kLargeBufferBytes, .header_count = 256};
  std::string_view bytes(upstream_buffer_.data() + upstream_begin_, upstream_end_ - upstream_begin_);
  http::Parsed parsed = http::parse_response_head(bytes, kLimits, request_.method, response_);
  if (parsed.state == http::Parsed::State::invalid) {
    Error error{.code = ErrorCode::protocol, .side = Side::backend, .what = parsed.what};
    return std::unexpected(error);
  }
  if (parsed.state == http::Parsed::State::complete) {
    upstream_begin_ += parsed.consumed;
    return true;
  }
  if (upstream_end_ == upstream_buffer_.capacity()) {
    base::Buffer larger = base::Buffer::large();
    if (upstream_begin_ == 0 && upstream_buffer_.capacity() == larger.capacity()) {
      Error error{.code = ErrorCode::protocol, .side = Side::backend, .what = "the response head is larger than 64 KB"};
      return std::unexpected(error);
    }
    std::memcpy(larger.data(), bytes.data(), bytes.size());
    upstream_buffer_ = std::move(larger);
    upstream_begin_ = 0;
    upstream_end_ = bytes.size();
  }
  return false;
}

}  // namespace weir::proxy
