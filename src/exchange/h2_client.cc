#include "exchange/h2_client.h"

#include "http2/connection.h"
#include "http2/head.h"
#include "worker/client_connection.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

H2Client::H2Client(worker::ClientConnection& connection, http2::Stream& stream, worker::ExchangeState& state)
    : worker_(connection.worker), stream_(stream), arena_(state.arena) {}

base::Result<std::optional<http::BodyPiece>> H2Client::buffered_body() {
  // Bytes that an attempt before has seen, and could not send, are there still.
  if (pulled_ || !(stream_.has_in_hand() || stream_.has_input())) return std::nullopt;
  base::Result<http::BodyPiece> piece = stream_.peek();
  if (!piece) return std::unexpected(piece.error());
  pulled_ = true;
  finished_ = piece->last;
  return *piece;
}

net::Task<base::Result<http::BodyPiece>> H2Client::read_body(base::TimePoint deadline) {
  while (true) {
    if (stream_.has_input()) {
      base::Result<http::BodyPiece> piece = stream_.take();
      if (!piece) co_return std::unexpected(piece.error().on(Side::client));
      if (!piece->data.empty() || piece->last) {
        finished_ = piece->last;
        co_return piece;
      }
    } else {
      // Lets go of what was given out before.
      static_cast<void>(stream_.take());
    }
    base::Result<void> waited = co_await stream_.wait_input(deadline);
    if (!waited) co_return std::unexpected(waited.error());
  }
}

void H2Client::trailers(http::HeaderMap& into) const {
  for (const http::HeaderField& field : stream_.trailers()) into.add(field);
}

http2::FieldList* H2Client::compose(const HeadSource& head) {
  http2::FieldList& fields = worker_.h2.fields();
  http2::HeadSink sink(fields, arena_);
  http::HeadWriter writer(sink);
  if (!head.write(writer)) return nullptr;
  bytes_out += fields.bytes();
  return &fields;
}

const http2::FieldList* H2Client::compose_trailers(const http::HeaderMap* trailers) {
  if (trailers == nullptr || trailers->empty()) return nullptr;
  trailers_.clear();
  for (const http::HeaderField& field : *trailers) trailers_.add(field);
  return &trailers_;
}

base::Result<void> H2Client::outcome() const {
  bool is_taken = stream_.all_sent() && (stream_.is_open() || stream_.output_ended());
  if (is_taken && !stream_.error()) return {};
  Error gone{.code = ErrorCode::reset, .what = "the stream was reset"};
  return std::unexpected(stream_.error().value_or(gone).on(Side::client));
}

net::Task<base::Result<void>> H2Client::wait_sent(base::Nanoseconds patience) {
  http2::StreamWait sent = stream_.wait_sent(patience);
  WaitForClient waiting(pace_, sent);
  base::Result<void> waited = co_await waiting;
  if (!waited) co_return std::unexpected(waited.error().on(Side::client));
  co_return outcome();
}

net::Task<base::Result<void>> H2Client::send_interim(const HeadSource& head, base::Nanoseconds) {
  http2::FieldList* fields = compose(head);
  if (fields != nullptr) stream_.send_head(*fields, false, true);
  co_return outcome();
}

net::Task<base::Result<void>> H2Client::send_head(const HeadSource& head, const http::BodyFraming& body,
                                                  const http::BodyPiece& first, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) {
  http2::FieldList* fields = compose(head);
  if (fields == nullptr || fields->bytes() > base::kLargeBufferBytes) {
    co_return base::fail(ErrorCode::too_large, "the response header grew beyond 64 KB");
  }
  response_started_ = true;
  const http2::FieldList* behind = compose_trailers(first.last ? trailers : nullptr);
  bool ends = body.kind == http::BodyFraming::Kind::none || (first.last && first.data.empty() && behind == nullptr);
  stream_.send_head(*fields, ends);
  if (!ends) {
    bytes_out += first.data.size();
    stream_.send(first.data, first.last, behind);
  }
  if (stream_.all_sent()) co_return outcome();
  co_return co_await wait_sent(patience);
}

net::Task<base::Result<void>> H2Client::send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) {
  bytes_out += piece.data.size();
  stream_.send(piece.data, piece.last, compose_trailers(piece.last ? trailers : nullptr));
  if (stream_.all_sent()) co_return outcome();
  co_return co_await wait_sent(patience);
}

// RFC 8441 4: 200 where HTTP/1 has 101, and no Sec-WebSocket-Accept.
net::Task<base::Result<void>> H2Client::switch_protocols(const HeadSource& head, std::string_view,
                                                         std::string_view early, base::Nanoseconds patience) {
  http2::FieldList& fields = worker_.h2.fields();
  http2::HeadSink sink(fields, arena_);
  sink.answer_extended_connect();
  http::HeadWriter writer(sink);
  if (!head.write(writer)) co_return base::fail(ErrorCode::too_large, "the response header grew beyond 64 KB");
  response_started_ = true;
  bytes_out += fields.bytes() + early.size();
  stream_.send_head(fields, false);
  if (!early.empty()) stream_.send(early, false);
  if (stream_.all_sent()) co_return outcome();
  co_return co_await wait_sent(patience);
}

void H2Client::abort() { stream_.reset(NGHTTP2_INTERNAL_ERROR); }

void H2Client::cut() {
  stream_.cut({.code = ErrorCode::timeout, .side = Side::client, .what = "the client takes the response too slowly"});
}

// While the client would take more of this stream, it waits for the other ones of its connection: then what is taken of
// them counts.
std::uint64_t H2Client::bytes_taken() {
  if (!stream_.is_open()) return taken_;
  std::uint64_t of_stream = stream_.sent_bytes() - seen_of_stream_;
  std::uint64_t of_connection = stream_.connection()->bytes_written() - seen_of_connection_;
  taken_ += stream_.may_send() ? of_connection : of_stream;
  seen_of_stream_ += of_stream;
  seen_of_connection_ += of_connection;
  return taken_;
}

}  // namespace weir::exchange
