#include "exchange/answer.h"

#include <fmt/format.h>

#include "exchange/error_page.h"
#include "exchange/grpc.h"
#include "http/status.h"

namespace weir::exchange {

worker::Termination termination_of_status(std::uint16_t status) {
  if (status < 400) return worker::Termination::ok;
  switch (status) {
    case kClientClosedRequest:
      return worker::Termination::client_abort;
    case 408:
      return worker::Termination::client_timeout;
    case 400:
    case 501:
    case 505:
      return worker::Termination::client_protocol;
    case 413:
    case 414:
    case 431:
      return worker::Termination::client_too_large;
    case 404:
      return worker::Termination::no_route;
    case 503:
      return worker::Termination::no_backend;
    default:
      return worker::Termination::refused;
  }
}

namespace {

void add_page(Answer& answer, const ErrorPage& page, base::Arena& arena) {
  answer.status = page.status;
  answer.body = page.body;
  answer.message = page.message;
  page.add_fields([&](std::string_view name, std::string_view value) { answer.fields.add(name, value, arena); });
}

}  // namespace

Answer status_answer(const StatusAnswer& what, const http::RequestHead& request, std::string_view request_id,
                     base::Arena& arena) {
  Answer answer{.termination = termination_of_status(what.status)};
  if (what.status >= 400) answer.detail = what.message;
  if (what.status == 405) answer.fields.add("allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH", arena);
  add_page(answer, error_page(what.status, what.message, &request, request_id, arena), arena);
  return answer;
}

void complete(Answer& answer, const http::RequestHead& request, std::string_view request_id, base::Arena& arena) {
  if (answer.message.empty() || !answer.body.empty()) return;
  add_page(answer, error_page(answer.status, answer.message, &request, request_id, arena), arena);
}

Answer error_answer(const base::Error& error, const http::RequestHead& request, std::string_view request_id,
                    base::Arena& arena) {
  Answer answer;
  add_page(answer, error_page(error, &request, request_id, arena), arena);
  return answer;
}

Answer route_answer(const Facts& facts, const http::RequestHead& request, const route::Values& values,
                    base::Arena& arena) {
  auto refused = [&](std::uint16_t status, std::string_view message) {
    return status_answer({status, message}, request, facts.request_id, arena);
  };
  if (facts.route_config == nullptr) return refused(404, "No route takes this request.");
  Answer answer;
  if (facts.route_config->redirect) {
    std::string_view location = facts.listener->routes->redirect_location(facts.route, request, values, arena);
    if (location.empty()) return refused(400, "The redirect needs a usable Host.");
    answer.status = facts.route_config->redirect->status;
    answer.fields.add("location", location, arena);
    return answer;
  }
  if (facts.route_config->respond) {
    const config::FixedResponse& respond = *facts.route_config->respond;
    answer.status = respond.status;
    answer.body = respond.body;
    if (!respond.body.empty()) answer.fields.add("content-type", respond.content_type, arena);
    return answer;
  }
  return refused(503, "The pool of this route does not exist.");
}

Answer call_answer(const Answer& answer, unsigned grpc_status, bool late, base::Arena& arena) {
  Answer trailers_only{.status = 200, .termination = answer.termination, .detail = answer.detail};
  trailers_only.fields.add("content-type", "application/grpc", arena);
  trailers_only.fields.add("grpc-status", arena.copy(fmt::format("{}", grpc_status)), arena);
  std::string_view text = kGrpcDeadlineExceeded;
  if (!late) text = arena.join(http::reason_phrase(answer.status), ": ", answer.message);
  trailers_only.fields.add("grpc-message", grpc_message(text, arena), arena);
  return trailers_only;
}

}  // namespace weir::exchange
