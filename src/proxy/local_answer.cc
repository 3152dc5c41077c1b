// Answers made here: redirects, fixed responses, errors.

#include <fmt/format.h>

#include "base/hash.h"
#include "http/head_writer.h"
#include "http/status.h"
#include "metrics/families.h"
#include "proxy/exchange.h"
#include "proxy/grpc.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;

net::Task<void> Exchange::answer_locally() {
  state_.own_fields.clear();
  if (route_config_ == nullptr) {
    co_await answer_status(404, "No route takes this request.");
  } else if (route_config_->redirect) {
    std::string_view location = listener_->routes->redirect_location(route_, request_, *this, arena_);
    if (location.empty()) {
      co_await answer_status(400, "The redirect needs a usable Host.");
      co_return;
    }
    state_.own_fields.add("location", location);
    co_await write_answer(route_config_->redirect->status, {});
  } else if (route_config_->respond) {
    const config::FixedResponse& respond = *route_config_->respond;
    if (!respond.body.empty()) state_.own_fields.add("content-type", respond.content_type);
    co_await write_answer(respond.status, respond.body);
  } else {
    co_await answer_status(503, "The pool of this route does not exist.");
  }
}

net::Task<void> Exchange::answer_error(Error error) {
  termination_ = ended_by(error);
  std::uint16_t status = status_of(error);
  if (status == kClientClosedRequest) {
    // Nobody is there to read an answer.
    status_ = status;
    client_side_.close_after();
    co_return;
  }
  // What is left of the body is not worth waiting for.
  if (error.side == base::Side::client) client_side_.give_up_body();
  state_.own_fields.clear();  // this exchange's trailers may be there
  const http::RequestHead* head = &request_;
  co_await answer(error_page(error, head, request_id_, arena_));
}

// The status says why, unless that is known already.
void Exchange::note_refusal(std::uint16_t status, std::string_view message) {
  if (status >= 400) detail_ = message;
  if (termination_ != Termination::ok) return;
  if (status == kClientClosedRequest) {
    termination_ = Termination::client_abort;
  } else if (status == 408) {
    termination_ = Termination::client_timeout;
  } else if (status == 400 || status == 501 || status == 505) {
    termination_ = Termination::client_protocol;
  } else if (status == 413 || status == 414 || status == 431) {
    termination_ = Termination::client_too_large;
  } else if (status == 404) {
    termination_ = Termination::no_route;
  } else if (status == 503) {
    termination_ = Termination::no_backend;
  } else if (status >= 400) {
    termination_ = Termination::refused;
  }
}

net::Task<void> Exchange::answer_status(std::uint16_t status, std::string_view message) {
  note_refusal(status, message);
  state_.own_fields.clear();
  if (status == 405) state_.own_fields.add("allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  co_await answer(error_page(status, message, &request_, request_id_, arena_));
}

// With what fields of its own the answer has in own_fields.
net::Task<void> Exchange::answer(const ErrorPage& page) {
  if (page.status >= 400) {
    const ListenerRuntime& listener = *client_.listening.runtime;
    metrics::CellKey key{.listener = listener.id, .code = static_cast<std::uint32_t>(termination_)};
    metrics::Counter errors = worker_.error_counters.find(snapshot_->version, key, [&](const metrics::CellKey&) {
      return worker_.services.registry->counter(metrics::families::kHttpErrors, {listener.name, name(termination_)});
    });
    errors.add(worker_.index);
  }
  if (is_call_) {
    // Trailers only: the status is gRPC's, not HTTP's.
    state_.own_fields.clear();
    state_.own_fields.add("content-type", "application/grpc");
    call_status_ = grpc_status_of(page.status);
    std::string_view reason = call_late_ ? kGrpcDeadlineExceeded : page.reason;
    std::string_view message = call_late_ ? "" : page.message;
    state_.own_fields.add("grpc-status", arena_.copy(fmt::format("{}", *call_status_)));
    std::string_view text = message.empty() ? reason : arena_.join(reason, ": ", message);
    state_.own_fields.add("grpc-message", grpc_message(text, arena_));
    co_await write_answer(200, {});
    co_return;
  }
  page.add_fields(state_.own_fields);
  co_await write_answer(page.status, page.body);
}

// What of the body is in memory is taken along; with more to come the connection cannot go on.
void Exchange::settle_request_body() {
  if (request_.body.kind == http::BodyFraming::Kind::none || client_side_.body_finished()) return;
  while (!body_pulled_ && !client_side_.body_finished()) {
    base::Result<std::optional<http::BodyPiece>> piece = client_side_.buffered_body();
    if (!piece || !*piece) break;
  }
  if (!client_side_.body_finished()) client_side_.give_up_body();
}

// With the fields in own_fields.
net::Task<void> Exchange::write_answer(std::uint16_t status, std::string_view body) {
  settle_request_body();
  if (closing()) client_side_.close_after();
  status_ = status;
  answer_length_ = body.size();
  state_.own_fields.add("date", worker_.dates.at(worker_.unix_ms() / 1000));
  state_.own_fields.add("x-request-id", request_id_);
  bool has_content = http::content_allowed(status, request_.method) && !body.empty();
  http::BodyFraming framing;
  if (has_content) framing = {.kind = http::BodyFraming::Kind::length, .length = body.size()};
  http::BodyPiece piece{.data = has_content ? body : std::string_view(), .last = true};
  base::Result<void> sent =
      co_await client_side_.send_head(AnswerForClient(*this), framing, piece, nullptr, timeouts_.body());
  if (sent) co_return;
  // The client is gone, or fields of the configuration fill 64 KB: nothing sensible can follow.
  client_side_.close_after();
  if (termination_ != Termination::ok) co_return;
  termination_ = ended_by(sent.error());
  detail_ = cause_of(naming_timeout(sent.error(), kClientTookNothing));
}

bool Exchange::write_answer_head(http::HeadWriter& writer) {
  writer.status_line(status_, http::reason_phrase(status_));
  const route::HeaderChanges* changes =
      route_ != route::kNoRoute ? &listener_->routes->response_headers(route_) : nullptr;
  for (const http::HeaderField& field : state_.own_fields) {
    if (changes == nullptr || !changes->removes(field)) writer.field(field.name, field.value);
  }
  if (listener_ != nullptr && !listener_->hsts.empty()) writer.field("strict-transport-security", listener_->hsts);
  // All of a call's answer is trailers, where the field has no meaning.
  bool has_length = status_ != 204 && status_ != 304 && status_ >= 200;
  if (has_length && !(is_call_ && request_.version == http::Version::http_2)) {
    writer.field("content-length", answer_length_);
  }
  if (changes != nullptr) write_changes(writer, *changes);
  return true;
}

}  // namespace weir::proxy
