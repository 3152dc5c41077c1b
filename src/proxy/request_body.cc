// The request's body on its way to the backend, while the response may already be on its way back.

#include "proxy/exchange.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Bodies that are longer than this, or without a length, get the large buffer.
constexpr std::uint64_t kLargeBody = base::kBufferBytes;

}  // namespace

bool Exchange::request_body_too_large(std::uint64_t bytes) const {
  std::uint64_t limit = listener_->config->limits.body_bytes;
  return limit > 0 && bytes > limit;
}

// Ends when the body has been sent, or cannot be. A client that fails is the exchange's failure; a backend that takes
// no more may still have an answer to give, so that is left to who reads the response.
net::Task<void> Exchange::pump_request_body() {
  bool chunked = request_.body.kind == http::BodyFraming::Kind::chunked;
  bool large = chunked || request_.body.length > kLargeBody;
  if (!client_body_buffer_) client_body_buffer_ = large ? base::Buffer::large() : base::Buffer::small();
  bool last = client_body_.finished();
  while (!last) {
    base::TimePoint deadline = worker_.reactor.now() + timeouts_.body();
    base::Result<http::BodyPiece> piece = co_await client_body_.read(client_.stream, client_body_buffer_, deadline);
    body_pulled_ = true;
    if (!piece) {
      if (piece.error().code != ErrorCode::cancelled) client_failure_ = piece.error().on(Side::client);
    } else if (request_body_too_large(body_bytes_ += piece->data.size())) {
      client_failure_ = Error{.code = ErrorCode::too_large, .side = Side::client, .what = "request body"};
    }
    if (client_failure_ || !piece) {
      // Whoever waits for the response finds the end of the stream.
      if (lease_) lease_.cut();
      co_return;
    }
    last = piece->last;
    std::array<char, http::kChunkHeaderBytes> chunk_header;
    std::array<std::string_view, 4> parts{piece->data, {}, {}, {}};
    if (chunked) {
      std::size_t header_bytes = piece->data.empty() ? 0 : http::write_chunk_header(chunk_header, piece->data.size());
      std::string_view end = piece->data.empty() ? std::string_view() : http::kChunkEnd;
      parts = {std::string_view(chunk_header.data(), header_bytes), piece->data, end, {}};
      if (last) parts[3] = compose_trailers(client_body_);
    }
    worker_.services.backend_bytes_out.add(worker_.index, piece->data.size());
    net::WriteOperation write = lease_.stream().write(parts, timeouts_.body());
    base::Result<void> written = co_await write;
    if (!written) {
      body_stopped_ = true;
      start_response_clock();
      co_return;
    }
  }
  if (chunked && client_body_.finished() && request_.body.kind == http::BodyFraming::Kind::chunked && !body_pulled_) {
    // The whole body came with the head, trailers included; only the end is still owed.
    net::WriteOperation write = lease_.stream().write(compose_trailers(client_body_), timeouts_.body());
    base::Result<void> written = co_await write;
    if (!written) {
      body_stopped_ = true;
      start_response_clock();
      co_return;
    }
  }
  body_sent_ = true;
  start_response_clock();
}

// From now on the backend owes a response to whoever waits for its head.
void Exchange::start_response_clock() {
  if (!lease_ || response_started_) return;
  net::Reactor& reactor = worker_.reactor;
  lease_.stream().descriptor().hurry_reader(reactor.tick(reactor.now() + timeouts_.response()));
}

// "0", the trailer fields that may pass, and the empty line.
std::string_view Exchange::compose_trailers(const http::H1BodyReader& body) {
  if (body.trailers().empty()) return http::kLastChunkWithoutTrailers;
  http::HeaderMap& fields = state_.own_fields;
  fields.clear();
  body.trailer_fields(fields);
  std::string_view text = http::kLastChunk;
  for (const http::HeaderField& field : fields) {
    if (http::trailer_may_pass(field)) text = arena_.join(text, field.name, ": ", field.value, "\r\n");
  }
  return arena_.join(text, "\r\n");
}

// Before the lease goes or the exchange ends.
net::Task<void> Exchange::stop_request_body() {
  pump_->cancel();
  co_await pump_->join();
  pump_.reset();
}

}  // namespace weir::proxy
