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

Error of_body(Error error) {
  return error.code == ErrorCode::cancelled ? error.on(Side::client) : error.on(Side::backend);
}

// Bytes that the kernel can move by itself.
bool is_plain(const net::TcpStream* stream) { return stream != nullptr && !stream->is_filtered(); }

}  // namespace

template <typename Body>
const http::HeaderMap* Exchange::passing_trailers(const Body& body) {
  http::HeaderMap& received = state_.received_trailers;
  received.clear();
  body.trailers(received);
  if (received.empty()) return nullptr;
  constexpr auto may_pass = std::is_same_v<Body, ClientSide> ? http::request_trailer_may_pass : http::trailer_may_pass;
  http::HeaderMap& passing = state_.own_fields;
  passing.clear();
  for (const http::HeaderField& field : received) {
    if (may_pass(field)) passing.add(field);
  }
  return &passing;
}
template const http::HeaderMap* Exchange::passing_trailers(const ClientSide& body);
template const http::HeaderMap* Exchange::passing_trailers(const BackendSide& body);

net::Task<base::Result<void>> Exchange::relay_interim() {
  if (response_.status == 100 && !awaiting_continue_) co_return base::Result<void>();
  if (response_.status == 100) awaiting_continue_ = false;
  co_return co_await client_side_.send_interim(ResponseForClient(*this), timeouts_.body());
}

net::Task<base::Result<void>> Exchange::relay_response() {
  if (closing()) client_side_.close_after();
  // An answer before the end of the request: the rest of it will not be read by anybody.
  if (request_.body.kind != http::BodyFraming::Kind::none && !client_side_.body_finished() && !body_sent_) {
    client_side_.give_up_body();
  }
  backend_side_->start_body(response_.body);
  base::Result<std::optional<http::BodyPiece>> buffered = backend_side_->buffered_body();
  if (!buffered) co_return std::unexpected(buffered.error().on(Side::backend));
  http::BodyPiece piece = buffered->value_or(http::BodyPiece{});
  const http::HeaderMap* trailers = piece.last ? response_trailers() : nullptr;
  status_ = response_.status;
  // Nothing more is to come from the backend; what it said stays where it is.
  if (piece.last && body_sent_) attempt_ended({});

  base::Result<void> done =
      co_await client_side_.send_head(ResponseForClient(*this), response_.body, piece, trailers, timeouts_.body());
  if (!done && !client_side_.response_started()) {
    Error error{.code = done.error().code, .side = Side::backend, .what = done.error().what};
    co_return std::unexpected(error);
  }
  if (done && !piece.last) done = co_await relay_body();
  if (done) co_return done;
  bool slow_client = done.error().side == Side::client;
  const char* late = slow_client ? kClientTookNothing : "no bytes of the response body within timeouts.body";
  co_return std::unexpected(naming_timeout(done.error(), late));
}

// The rest of the body, piece by piece; never more than one buffer of it is held.
net::Task<base::Result<void>> Exchange::relay_body() {
  std::uint64_t unread = backend_side_->unread_length();
  if (unread >= kSpliceFrom && is_plain(client_side_.stream()) && is_plain(backend_side_->stream())) {
    // Without descriptors for a pipe it is copied as any other.
    if (base::Result<net::Pipe> pipe = net::Pipe::take(); pipe) {
      std::uint64_t before = client_side_.bytes_out;
      base::Result<void> moved = co_await splice_body(*pipe, *backend_side_->stream(), *client_side_.stream(), unread,
                                                      timeouts_.body(), client_side_.pace(), client_side_.bytes_out);
      worker_.services.backend_bytes_in.add(worker_.index, client_side_.bytes_out - before);
      if (moved) backend_side_->skip_body(unread);
      co_return moved;
    }
  }
  bool last = false;
  while (!last) {
    base::Result<http::BodyPiece> piece = co_await backend_side_->read_body(worker_.reactor.now() + timeouts_.body());
    if (!piece) co_return std::unexpected(of_body(piece.error()));
    last = piece->last;
    const http::HeaderMap* trailers = last ? response_trailers() : nullptr;
    base::Result<void> written = co_await client_side_.send_body(*piece, trailers, timeouts_.body());
    if (!written) co_return written;
  }
  co_return base::Result<void>();
}

// To an HTTP/1 client only if it said that it takes them (RFC 9110 6.5.1), and behind chunks.
const http::HeaderMap* Exchange::response_trailers() {
  bool chunked = response_.body.kind == http::BodyFraming::Kind::chunked;
  bool taken = request_.version == http::Version::http_2 || (chunked && http::accepts_trailers(request_.headers));
  return taken ? passing_trailers(*backend_side_) : nullptr;
}

}  // namespace weir::proxy
