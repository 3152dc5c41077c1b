// What an exchange that carries a call of gRPC has besides: its deadline, its status (PROTOCOL-HTTP2 of gRPC).

#include <new>

#include "config/grpc_statuses.h"
#include "metrics/families.h"
#include "net/cancel_at.h"
#include "proxy/exchange.h"
#include "proxy/grpc.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

constexpr unsigned kCancelled = 1, kUnknown = 2, kDeadlineExceeded = 4, kInternal = 13;

}  // namespace

std::optional<Exchange::Refusal> Exchange::begin_call() {
  const http::HeaderField* field = request_.headers.find(http::HeaderId::grpc_timeout);
  if (field == nullptr) return std::nullopt;
  std::optional<base::Nanoseconds> timeout = parse_grpc_timeout(field->value);
  if (!timeout) return Refusal{400, "grpc-timeout is not 1 to 8 digits and one of H, M, S, m, u, n."};
  if (*timeout != kNoGrpcDeadline) call_deadline_ = started_ + *timeout;
  return std::nullopt;
}

// For the backend: what the call has spent here is gone.
std::string_view Exchange::call_timeout() {
  return format_grpc_timeout(call_deadline_ - worker_.reactor.now(), arena_);
}

// forward(), cancelled at the deadline of the call or by timeouts.request wherever it waits: the streams and
// connections of the attempt are reset. What it leaves to be told to the client is not.
net::Task<void> Exchange::forward_in_time() {
  net::TaskGroup attempts;
  net::CancelAt watch(attempts, call_deadline_);
  std::optional<base::Nanoseconds> request = timeouts_.request();
  std::optional<net::CancelAt> request_watch;
  if (request) request_watch_ = &request_watch.emplace(attempts, started_ + *request);
  bool late = call_deadline_ <= started_;
  if (!late) {
    attempts.spawn(forward());
    co_await attempts.join();
    if (!forward_ended_) throw std::bad_alloc();  // as if it had been awaited here
    bool request_late = failure_ && was_too_late(*failure_);
    if (request_late) failure_ = kRequestTimedOut;
    late = is_call_ && request_late;
    late = late || (watch.passed() && failure_ && failure_->code == ErrorCode::cancelled);
  }
  request_watch_ = nullptr;
  if (!late) co_return;
  // The client's choice: it says nothing of the backend, which has been told to stop.
  call_late_ = true;
  failure_ = Error{.code = ErrorCode::timeout, .side = Side::backend, .what = "the deadline of the call has passed"};
}

// Behind what has been sent of the response. False when that cannot be: then only a reset is left, and is done.
net::Task<bool> Exchange::end_call_by_trailers() {
  http::H2Stream* stream = client_side_.h2_stream();
  if (stream == nullptr) co_return false;
  bool can_follow = stream->is_open() && stream->all_sent() && !stream->output_ended() && is_grpc(response_.headers) &&
                    response_.body.kind != http::BodyFraming::Kind::length;
  if (!can_follow) {
    stream->reset(NGHTTP2_CANCEL);
    co_return true;
  }
  call_status_ = kDeadlineExceeded;
  http::HeaderMap& trailers = state_.own_fields;
  trailers.clear();
  trailers.add("grpc-status", "4");
  trailers.add("grpc-message", kGrpcDeadlineExceeded);
  http::BodyPiece end{.data = {}, .last = true};
  base::Result<void> sent = co_await client_side_.send_body(end, &trailers, timeouts_.body());
  co_return sent.has_value();
}

// Whether the whole response says by its grpc-status that the backend has failed.
bool Exchange::grpc_failed() {
  if (response_.status != 200 || backend_side_ == nullptr || !is_grpc(response_.headers)) return false;
  std::optional<unsigned> status = grpc_status_in(response_.headers);
  if (!status) {
    http::HeaderMap& received = state_.received_trailers;
    received.clear();
    backend_side_->trailers(received);
    status = grpc_status_in(received);
  }
  call_status_ = status.value_or(kUnknown);
  return (pool_->config->grpc.fine_mask >> *call_status_ & 1) == 0;
}

void Exchange::count_call() {
  unsigned status = kUnknown;
  if (call_status_) {
    status = *call_status_;
  } else if (call_late_) {
    status = kDeadlineExceeded;
  } else if (failure_ && (failure_->side == Side::client ||
                          (failure_->code == ErrorCode::cancelled && failure_->side == Side::ours))) {
    status = kCancelled;
  } else if (failure_) {
    status = kInternal;  // what clients make of a stream reset with INTERNAL_ERROR
  } else if (status_ != 200) {
    status = grpc_status_of(status_);
  }
  metrics::CellKey key{.listener = client_.listening.runtime->id, .route = route_, .backend = 0, .code = status};
  worker_.call_counters
      .find(snapshot_->version, key,
            [&](const metrics::CellKey&) {
              return worker_.services.registry->counter(
                  metrics::families::kGrpcRequests,
                  {client_.listening.runtime->name,
                   route_config_ != nullptr ? std::string_view(route_config_->name) : std::string_view(),
                   pool_ != nullptr ? std::string_view(pool_->config->name) : std::string_view(),
                   config::kGrpcStatuses[status]});
            })
      .add(worker_.index);
}

}  // namespace weir::proxy
