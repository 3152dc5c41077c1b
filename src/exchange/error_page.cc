#include "exchange/error_page.h"

#include <array>
#include <fmt/format.h>
#include <string>

#include "base/text.h"
#include "http/accept.h"
#include "http/status.h"

namespace weir::exchange {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;

// How long a client should wait before it comes again: about two probes of a backend that is coming back.
constexpr std::string_view kRetryAfterSeconds = "5";

std::string_view usual_message(std::uint16_t status) {
  switch (status) {
    case 400:
      return "The request is not valid HTTP.";
    case 404:
      return "No route takes this request.";
    case 405:
      return "This method is not offered here.";
    case 408:
      return "The request did not arrive in time.";
    case 413:
      return "The body of the request is larger than is accepted here.";
    case 414:
      return "The target of the request is longer than is accepted here.";
    case 421:
      return "This host is not served on this connection.";
    case 431:
      return "The header of the request is larger than is accepted here.";
    case 500:
      return "The load balancer failed to handle the request.";
    case 501:
      return "The request asks for something that is not supported.";
    case 502:
      return "The backend gave no usable answer.";
    case 503:
      return "No backend can take the request now.";
    case 504:
      return "The backend did not answer in time.";
    case 505:
      return "This version of HTTP is not supported.";
    default:
      return "The request could not be handled.";
  }
}

// Makes room in the arena for what fmt is to write: `parts` and at most 64 bytes around them.
template <typename Write>
std::string_view written(base::Arena& arena, std::size_t parts_bytes, Write write) {
  const std::size_t room = parts_bytes + 64;
  char* start = arena.allocate(room);
  return {start, static_cast<std::size_t>(write(start, room).out - start)};
}

std::string_view json_body(std::uint16_t status, std::string_view reason, std::string_view message,
                           std::string_view request_id, base::Arena& arena) {
  // Of the three only the id may come from outside, but messages quote rules.
  std::string safe_message;
  std::string safe_id;
  base::append_json_escaped(safe_message, message);
  base::append_json_escaped(safe_id, request_id);
  return written(arena, reason.size() + safe_message.size() + safe_id.size(), [&](char* out, std::size_t room) {
    return fmt::format_to_n(out, room, "{{\"status\":{},\"error\":\"{}\",\"message\":\"{}\",\"request_id\":\"{}\"}}\n",
                            status, reason, safe_message, safe_id);
  });
}

std::string_view text_body(std::uint16_t status, std::string_view reason, std::string_view message,
                           std::string_view request_id, base::Arena& arena) {
  return written(arena, reason.size() + message.size() + request_id.size(), [&](char* out, std::size_t room) {
    return fmt::format_to_n(out, room, "{} {}\n{}\nRequest id: {}\n", status, reason, message, request_id);
  });
}

}  // namespace

std::uint16_t status_of(const Error& error) {
  // A backend whose time to drain is over has left a client without its answer.
  if (error.code == ErrorCode::cancelled && error.side != Side::backend) return kClientClosedRequest;
  if (error.code == ErrorCode::no_backend || error.code == ErrorCode::queue_full) return 503;
  switch (error.side) {
    case Side::client:
      if (error.code == ErrorCode::protocol) return 400;
      if (error.code == ErrorCode::timeout) return 408;
      if (error.code == ErrorCode::too_large) return 413;
      if (error.code == ErrorCode::not_found) return 501;
      return kClientClosedRequest;
    case Side::backend:
      if (error.code == ErrorCode::timeout) return 504;
      return error.code == ErrorCode::exhausted ? 503 : 502;
    case Side::ours:
      break;
  }
  return error.code == ErrorCode::timeout || error.code == ErrorCode::exhausted ? 503 : 500;
}

ErrorPage error_page(const Error& error, const http::RequestHead* request, std::string_view request_id,
                     base::Arena& arena) {
  // Only what the client itself did is told with its rule: other texts are for operators.
  const bool explained = error.code == ErrorCode::protocol || error.code == ErrorCode::not_found;
  const bool tell_rule = error.side == Side::client && explained;
  return error_page(status_of(error), tell_rule ? error.what : "", request, request_id, arena);
}

ErrorPage error_page(std::uint16_t status, std::string_view message, const http::RequestHead* request,
                     std::string_view request_id, base::Arena& arena) {
  const std::string_view reason =
      status == kClientClosedRequest ? "Client Closed Request" : http::reason_phrase(status);
  if (message.empty()) message = usual_message(status);
  ErrorPage page{
      .status = status, .content_type = {}, .body = {}, .retry_after = {}, .reason = reason, .message = message};
  if (status == 503) page.retry_after = kRetryAfterSeconds;
  if (request != nullptr && http::prefers_json(request->headers)) {
    page.content_type = "application/json";
    page.body = json_body(status, reason, message, request_id, arena);
  } else {
    page.content_type = "text/plain; charset=utf-8";
    page.body = text_body(status, reason, message, request_id, arena);
  }
  return page;
}

}  // namespace weir::exchange
