// Answers made here: redirects, fixed responses, errors.

#include "base/hash.h"
#include "http/head_writer.h"
#include "http/status.h"
#include "metrics/families.h"
#include "proxy/exchange.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;

net::Task<void> Exchange::answer_locally() {
  state_.own_fields.clear();
  if (route_config_ == nullptr) {
    co_await answer_status(404, "No route takes this request.");
  } else if (route_config_->redirect) {
    std::string_view location = listener_->routes->redirect_location(route_, request_, "http", arena_);
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
  termination_ = termination(error);
  std::uint16_t status = status_of(error);
  if (status == kClientClosedRequest) {
    // Nobody is there to read an answer.
    status_ = status;
    keep_client_ = false;
    co_return;
  }
  // What is left of the body is not worth waiting for.
  if (error.side == base::Side::client) {
    keep_client_ = false;
    unread_body_ = true;
  }
  const http::RequestHead* head = &request_;
  co_await answer(error_page(error, head, request_id_, arena_));
}

net::Task<void> Exchange::answer_status(std::uint16_t status, std::string_view message) {
  if (status == 408) {
    termination_ = "client_timeout";
  } else if (status == 400 || status == 501 || status == 505) {
    termination_ = "client_protocol";
  } else if (status >= 400) {
    termination_ = "refused";
  }
  if (status == 405) {
    state_.own_fields.clear();
    state_.own_fields.add("allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  } else {
    state_.own_fields.clear();
  }
  co_await answer(error_page(status, message, &request_, request_id_, arena_));
}

net::Task<void> Exchange::answer(const ErrorPage& page) {
  if (page.status >= 400) {
    std::string_view listener_name = client_.listening.runtime->name;
    worker_.services.registry->counter(metrics::families::kHttpErrors, {listener_name, termination_})
        .add(worker_.index);
  }
  page.add_fields(state_.own_fields);
  co_await write_answer(page.status, page.body);
}

// A request whose body is not all here yet cannot be left behind: the connection ends with the answer.
void Exchange::settle_request_body() {
  if (request_.body.kind == http::BodyFraming::Kind::none || client_body_.finished()) return;
  while (!body_pulled_ && !client_body_.finished()) {
    base::Result<std::optional<http::BodyPiece>> piece = client_body_.buffered();
    if (!piece || !*piece) break;
  }
  if (client_body_.finished()) return;
  keep_client_ = false;
  unread_body_ = true;
}

// With the fields in own_fields.
net::Task<void> Exchange::write_answer(std::uint16_t status, std::string_view body) {
  settle_request_body();
  if (closing()) keep_client_ = false;
  status_ = status;
  response_started_ = true;
  bool has_content = http::content_allowed(status, request_.method);
  if (!out_) out_ = base::Buffer::small();
  http::HeadWriter writer({out_.data(), out_.capacity()});
  writer.status_line(status, http::reason_phrase(status));
  const route::HeaderChanges* changes =
      route_ != route::kNoRoute ? &listener_->routes->response_headers(route_) : nullptr;
  state_.own_fields.add("date", worker_.dates.at(worker_.unix_ms() / 1000));
  state_.own_fields.add("x-request-id", request_id_);
  for (const http::HeaderField& field : state_.own_fields) {
    if (changes == nullptr || !changes->removes(field)) writer.field(field.name, field.value);
  }
  if (status != 204 && status != 304 && status >= 200) writer.field("content-length", body.size());
  if (changes != nullptr) {
    for (const http::HeaderField& field : changes->appended()) writer.field(field.name, field.value);
  }
  if (!keep_client_) {
    writer.field("connection", "close");
  } else if (request_.version == http::Version::http_1_0) {
    writer.field("connection", "keep-alive");
  }
  writer.end();
  if (writer.overflowed()) {
    // Fields of a configuration that fills 16 KB; nothing sensible can be sent.
    keep_client_ = false;
    co_return;
  }
  std::array<std::string_view, 2> parts{writer.text(), has_content ? body : std::string_view()};
  bytes_out_ += parts[0].size() + parts[1].size();
  net::WriteOperation write = client_.stream.write(parts, timeouts_.body());
  base::Result<void> written = co_await write;
  if (!written) {
    keep_client_ = unread_body_ = false;
    if (termination_ == kTerminationOk) termination_ = termination(written.error().on(base::Side::client));
  }
}

}  // namespace weir::proxy
