// The request's body on its way to the backend, while the response may already be on its way back.

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "metrics/families.h"
#include "proxy/exchange.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Long enough for a client that stalls, or takes what lies in large buffers of the kernel.
constexpr auto kUsualGrace = std::chrono::seconds(60);

}  // namespace

bool Exchange::request_body_too_large(std::uint64_t bytes) const {
  std::uint64_t limit = listener_->config->limits.body_bytes;
  return limit > 0 && bytes > limit;
}

// Ends when the body has been sent, or cannot be. A client that fails is the exchange's failure; a backend that takes
// no more may still have an answer to give, so that is left to who reads the response.
net::Task<void> Exchange::pump_request_body() {
  bool last = false;
  Pace pace;
  watch(pace, Direction::request);
  try {
    while (!last) {
      base::TimePoint deadline = worker_.reactor.now() + timeouts_.body();
      // A client that waits for 100 Continue waits for the backend.
      if (!awaiting_continue_ || body_bytes_ > 0) pace.wait_begins();
      base::Result<http::BodyPiece> piece = co_await client_side_.read_body(deadline);
      pace.wait_ends();
      body_pulled_ = true;
      if (!piece) {
        if (piece.error().code != ErrorCode::cancelled) {
          client_failure_ =
              naming_timeout(piece.error(), "no bytes of the request body within timeouts.body").on(Side::client);
        }
      } else if (request_body_too_large(body_bytes_ += piece->data.size())) {
        client_failure_ = Error{.code = ErrorCode::too_large, .side = Side::client, .what = kBodyTooLarge};
      }
      if (client_failure_ || !piece) {
        // Whoever waits for the response finds the end of the stream.
        backend_side_->cut();
        co_return;
      }
      last = piece->last;
      const http::HeaderMap* trailers = last ? passing_trailers(client_side_) : nullptr;
      base::Result<void> written = co_await backend_side_->send_body(*piece, trailers, timeouts_.body());
      if (!written) {
        body_stopped_ = true;
        start_response_clock();
        co_return;
      }
    }
  } catch (const std::bad_alloc&) {
    client_failure_ = base::kOutOfMemory;
    backend_side_->cut();
    co_return;
  }
  body_sent_ = true;
  start_response_clock();
}

// From now on the backend owes a response to whoever waits for its head.
void Exchange::start_response_clock() {
  if (client_side_.response_started()) return;
  backend_side_->expect_response(worker_.reactor.now() + timeouts_.response());
}

// Calls of gRPC may be silent for as long as they like, and have deadlines of their own.
void Exchange::watch(Pace& pace, Direction direction) {
  if (is_call_) return;
  const config::MinRate& rule =
      route_config_ != nullptr && route_config_->min_rate ? *route_config_->min_rate : listener_->config->min_rate;
  base::Nanoseconds grace =
      rule.grace ? base::Nanoseconds(*rule.grace) : std::max<base::Nanoseconds>(kUsualGrace, timeouts_.body());
  pace.watch(*this, direction, rule.bytes_per_second, grace);
}

std::uint64_t Exchange::moved(Direction direction) {
  return direction == Direction::request ? body_bytes_ : client_side_.bytes_taken();
}

void Exchange::too_slow(Direction direction) {
  client_too_slow_ = true;
  bool up = direction == Direction::request;
  worker_.services.registry
      ->counter(metrics::families::kSlowClients, {client_.listening.runtime->name, up ? "request" : "response"})
      .add(worker_.index);
  if (!up) return client_side_.cut();
  client_failure_ =
      Error{.code = ErrorCode::timeout, .side = Side::client, .what = "the request's body comes too slowly"};
  pump_->cancel();
}

}  // namespace weir::proxy
