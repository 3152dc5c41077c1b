#include "exchange/h2_backend.h"

#include "http/forward.h"
#include "http/websocket.h"
#include "http2/head.h"
#include "upstream/links.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

const http2::FieldList* H2Backend::compose_trailers(const http::HeaderMap* trailers) {
  if (trailers == nullptr || trailers->empty()) return nullptr;
  trailers_.clear();
  for (const http::HeaderField& field : *trailers) trailers_.add(field);
  return &trailers_;
}

base::Result<void> H2Backend::outcome() const {
  if (stream_->error()) return std::unexpected(*stream_->error());
  if (stream_->all_sent() && (stream_->is_open() || stream_->output_ended())) return {};
  return base::fail(ErrorCode::reset, "the backend takes no more of the request");
}

// On the connection, so far.
std::uint64_t H2Backend::bytes_heard() const { return stream_->is_open() ? stream_->connection()->bytes_read() : 0; }

// After a wait: a connection that was silent for all that time, whatever its other streams asked for, may be dead
// without having been closed. It is given no more requests; those that are still on it have deadlines of their own.
base::Result<void> H2Backend::leave_if_silent(base::Result<void> waited, std::uint64_t heard_before) {
  if (!waited && waited.error().code == ErrorCode::timeout && stream_->is_open()) {
    http2::Connection& connection = *stream_->connection();
    if (connection.bytes_read() == heard_before) connection.shut_down();
  }
  return waited;
}

// The response may be waited for meanwhile.
net::Task<base::Result<void>> H2Backend::wait_sent(base::Nanoseconds patience) {
  std::uint64_t heard_before = bytes_heard();
  base::Result<void> waited = co_await stream_->wait_sent(patience);
  waited = leave_if_silent(std::move(waited), heard_before);
  if (!waited) co_return waited;
  co_return outcome();
}

net::Task<base::Result<void>> H2Backend::send_head(const HeadSource& head, const http::RequestHead& request,
                                                   const http::BodyFraming&, const http::BodyPiece& first,
                                                   const http::HeaderMap* trailers, base::Nanoseconds patience) {
  upstream::H2Link& link = *std::exchange(link_, nullptr);
  tunnel_ = request.wants_upgrade;
  if (tunnel_ && !link.connection.peer_takes_extended_connect()) {
    co_return std::unexpected(upstream::kNoWebSockets);
  }
  http2::FieldList& fields = worker_.h2.fields();
  http2::HeadSink sink(fields, state_.arena);
  if (link.is_secure) sink.set_scheme("https");
  if (tunnel_) sink.set_protocol(request.upgrade);
  http::HeadWriter writer(sink);
  if (!head.write(writer) || fields.bytes() > base::kLargeBufferBytes) {
    Error error{.code = ErrorCode::protocol, .side = Side::client, .what = "the route cannot rewrite this request"};
    co_return std::unexpected(error);
  }
  // TE ends at each hop; this one carries trailers whatever the client's does.
  if (http::accepts_trailers(request.headers)) fields.add("te", "trailers");
  const http2::FieldList* behind = compose_trailers(first.last ? trailers : nullptr);
  bool ends = !tunnel_ && first.last && first.data.empty() && behind == nullptr;
  ++link.requests;
  base::Result<void> opened = link.connection.open(*stream_, fields, ends);
  if (!opened) co_return opened;
  worker_.services.backend_bytes_out.add(worker_.index, fields.bytes() + first.data.size());
  if (ends || tunnel_) co_return base::Result<void>();
  stream_->send(first.data, first.last, behind);
  if (stream_->all_sent()) co_return outcome();
  co_return co_await wait_sent(patience);
}

net::Task<base::Result<void>> H2Backend::send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                                   base::Nanoseconds patience) {
  worker_.services.backend_bytes_out.add(worker_.index, piece.data.size());
  stream_->send(piece.data, piece.last, compose_trailers(piece.last ? trailers : nullptr));
  if (stream_->all_sent()) co_return outcome();
  co_return co_await wait_sent(patience);
}

void H2Backend::expect_response(base::TimePoint deadline) {
  expected_by_ = deadline;
  if (!stream_) return;
  heard_before_reading_ = bytes_heard();
  stream_->hurry_reader(deadline);
}

net::Task<base::Result<void>> H2Backend::read_head(http::ResponseHead& head, std::string_view,
                                                   base::TimePoint deadline) {
  heard_before_reading_ = bytes_heard();
  base::Result<void> waited = co_await stream_->wait_head(std::min(deadline, expected_by_));
  waited = leave_if_silent(std::move(waited), heard_before_reading_);
  if (!waited) co_return waited;
  base::Result<void> taken = stream_->take_head();
  if (!taken) co_return taken;
  heard_ = true;
  if (tunnel_ && head.status >= 200 && head.status < 300) {
    // RFC 8441 4: what HTTP/1 says by 101.
    head.status = 101;
    head.headers.add("upgrade", state_.request.upgrade);
    // Such a backend leaves the proof to Weir (RFC 8441 5).
    if (const http::HeaderField* key = state_.request.headers.find("sec-websocket-key")) {
      head.headers.add("sec-websocket-accept", http::websocket_accept(key->value, state_.arena));
    }
  }
  co_return base::Result<void>();
}

base::Result<std::optional<http::BodyPiece>> H2Backend::buffered_body() {
  if (!stream_->has_input()) return std::nullopt;
  base::Result<http::BodyPiece> piece = stream_->take();
  if (!piece) return std::unexpected(piece.error());
  finished_ = piece->last;
  worker_.services.backend_bytes_in.add(worker_.index, piece->data.size());
  return *piece;
}

net::Task<base::Result<http::BodyPiece>> H2Backend::read_body(base::TimePoint deadline) {
  while (true) {
    // Also lets go of what was given out before.
    base::Result<http::BodyPiece> piece = stream_->take();
    if (!piece) co_return piece;
    if (!piece->data.empty() || piece->last) {
      finished_ = piece->last;
      worker_.services.backend_bytes_in.add(worker_.index, piece->data.size());
      co_return piece;
    }
    heard_before_reading_ = bytes_heard();
    base::Result<void> waited = co_await stream_->wait_input(deadline);
    waited = leave_if_silent(std::move(waited), heard_before_reading_);
    if (!waited) co_return std::unexpected(waited.error());
  }
}

void H2Backend::trailers(http::HeaderMap& into) const {
  if (!stream_) return;
  for (const http::HeaderField& field : stream_->trailers()) into.add(field);
}

void H2Backend::cut() {
  if (stream_) stream_->cut({.code = ErrorCode::reset, .side = Side::backend, .what = "the stream was cut"});
}

void H2Backend::end(bool) {
  if (stream_) stream_->leave();
}

}  // namespace weir::exchange
