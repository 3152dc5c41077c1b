// The backend's response on its way to the client.

#include "proxy/exchange.h"
#include "proxy/splice.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// From here on moving bytes inside the kernel is cheaper than copying them.
constexpr std::uint64_t kSpliceFrom = 48 * 1024;
// A loop over a fast body lets others have their turn after so many pieces.
constexpr int kPiecesPerTurn = 16;
// Up to this size a body piece is copied behind the head: one plain send is cheaper than a vectored one.
constexpr std::size_t kCopyBehindHead = 2048;

}  // namespace

Exchange::Framing Exchange::response_framing() const {
  switch (response_.body.kind) {
    case http::BodyFraming::Kind::none:
      return Framing::none;
    case http::BodyFraming::Kind::length:
      return Framing::length;
    case http::BodyFraming::Kind::chunked:
    case http::BodyFraming::Kind::until_close:
      return request_.version == http::Version::http_1_0 ? Framing::until_close : Framing::chunked;
  }
  return Framing::none;
}

// 1xx: forwarded to those who can understand it (RFC 9110 15.2).
net::Task<base::Result<void>> Exchange::relay_interim() {
  if (request_.version == http::Version::http_1_0) co_return base::Result<void>();
  if (response_.status == 100 && !awaiting_continue_) co_return base::Result<void>();
  if (response_.status == 100) awaiting_continue_ = false;
  base::Buffer out;
  std::string_view head = compose_response_head(out, Framing::none);
  if (head.empty()) co_return base::fail(ErrorCode::too_large, "the head of an interim response grew beyond 64 KB");
  bytes_out_ += head.size();
  net::WriteOperation write = client_.stream.write(head, timeouts_.body());
  co_return co_await write;
}

net::Task<base::Result<void>> Exchange::relay_response() {
  framing_ = response_framing();
  if (closing() || framing_ == Framing::until_close) keep_client_ = false;
  // An answer before the end of the request: the rest of it will not be read by anybody.
  if (request_.body.kind != http::BodyFraming::Kind::none && !client_body_.finished() && !body_sent_) {
    keep_client_ = false;
    unread_body_ = true;
  }
  backend_body_.start(response_.body, {upstream_buffer_.data() + upstream_begin_, upstream_end_ - upstream_begin_});
  base::Result<std::optional<http::BodyPiece>> buffered = backend_body_.buffered();
  if (!buffered) co_return std::unexpected(buffered.error().on(Side::backend));
  http::BodyPiece piece = buffered->value_or(http::BodyPiece{});
  std::string_view head = compose_response_head(out_, framing_);
  if (head.empty()) {
    Error error{.code = ErrorCode::protocol, .side = Side::backend, .what = "the response head grew beyond 64 KB"};
    co_return std::unexpected(error);
  }
  status_ = response_.status;
  response_started_ = true;
  // Nothing more is to come from the backend; what it said stays in upstream_buffer_.
  if (piece.last && body_sent_) attempt_ended({});

  base::Result<void> done;
  if (framing_ != Framing::chunked && piece.data.size() <= kCopyBehindHead &&
      head.size() + piece.data.size() <= out_.capacity()) {
    if (!piece.data.empty()) std::memcpy(out_.data() + head.size(), piece.data.data(), piece.data.size());
    std::string_view both(out_.data(), head.size() + piece.data.size());
    bytes_out_ += both.size();
    net::WriteOperation write = client_.stream.write(both, timeouts_.body());
    done = co_await write;
  } else {
    done = co_await write_piece(head, piece);
  }
  if (!done) co_return std::unexpected(done.error().on(Side::client));
  if (!piece.last) {
    done = co_await relay_body(piece);
    if (!done) co_return std::unexpected(done.error());
  }
  co_return base::Result<void>();
}

// The rest of the body, piece by piece; never more than one buffer of it is held.
net::Task<base::Result<void>> Exchange::relay_body(http::BodyPiece piece) {
  out_.release();
  bool streaming = response_.body.kind != http::BodyFraming::Kind::length;
  std::uint64_t unread = backend_body_.unread_length();
  if (unread >= kSpliceFrom) {
    // Frames of both ends of the pipe are closed when this returns.
    base::Result<void> moved =
        co_await splice_body(lease_.stream(), client_.stream, unread, timeouts_.body(), bytes_out_);
    if (!moved) co_return moved;
    backend_body_.skip(unread);
    co_return moved;
  }
  base::Buffer large;
  if (streaming || unread > base::kBufferBytes) large = base::Buffer::large();
  base::Buffer& buffer = large ? large : upstream_buffer_;
  int pieces = 0;
  while (!piece.last) {
    base::TimePoint deadline = worker_.reactor.now() + timeouts_.body();
    base::Result<http::BodyPiece> next = co_await backend_body_.read(lease_.stream(), buffer, deadline);
    if (!next)
      co_return std::unexpected(next.error().code == ErrorCode::cancelled ? next.error().on(Side::client)
                                                                          : next.error().on(Side::backend));
    piece = *next;
    if (piece.last && lease_.was_cut() && response_.body.kind == http::BodyFraming::Kind::until_close) {
      Error error{
          .code = ErrorCode::reset, .side = Side::backend, .what = "the connection was cut before the body ended"};
      co_return std::unexpected(error);
    }
    worker_.services.backend_bytes_in.add(worker_.index, piece.data.size());
    base::Result<void> written = co_await write_piece({}, piece);
    if (!written) co_return std::unexpected(written.error().on(Side::client));
    if (++pieces % kPiecesPerTurn == 0) co_await net::yield();
  }
  co_return base::Result<void>();
}

// `head` (or nothing), then the piece in the client's framing, in one write.
net::Task<base::Result<void>> Exchange::write_piece(std::string_view head, const http::BodyPiece& piece) {
  std::array<char, http::kChunkHeaderBytes> chunk_header;
  std::array<std::string_view, 4> parts{head, piece.data, {}, {}};
  if (framing_ == Framing::chunked) {
    std::size_t header_bytes = piece.data.empty() ? 0 : http::write_chunk_header(chunk_header, piece.data.size());
    std::string_view tail = piece.data.empty() ? std::string_view() : http::kChunkEnd;
    if (piece.last) tail = piece.data.empty() ? response_trailers() : arena_.join(tail, response_trailers());
    parts = {head, {chunk_header.data(), header_bytes}, piece.data, tail};
  }
  for (std::string_view part : parts) bytes_out_ += part.size();
  net::WriteOperation write = client_.stream.write(parts, timeouts_.body());
  co_return co_await write;
}

// The end of a chunked body; with trailers only for a client that said it takes them (RFC 9110 6.5.1).
std::string_view Exchange::response_trailers() {
  if (backend_body_.trailers().empty() || !http::accepts_trailers(request_.headers))
    return http::kLastChunkWithoutTrailers;
  return compose_trailers(backend_body_);
}

}  // namespace weir::proxy
