// The answers that Weir makes itself when something fails: the only place that turns an Error into a status code.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "http/message.h"

namespace weir::proxy {

// Of a client that went away: never sent, only logged (nginx's convention).
inline constexpr std::uint16_t kClientClosedRequest = 499;

// The status for an exchange that ended in `error`:
//   client:  protocol 400, timeout 408, too_large 413, gone (closed, reset, cancelled) 499;
//   backend: timeout 504, exhausted 503, everything else 502;
//   ours:    timeout (of a queue) and exhausted 503, too_large 413, everything else 500;
//   whosever side: no_backend and queue_full 503, cancelled 499.
std::uint16_t status_of(const base::Error& error);

// How the exchange ended, as one word for the access log and metrics: client_abort, client_timeout, client_protocol,
// client_too_large, backend_timeout, backend_refused, backend_reset, no_backend, queue_full, internal, ... Static text.
inline constexpr std::string_view kTerminationOk = "ok";
std::string_view termination(const base::Error& error);

// "Not Found" for 404; empty for a status without a registered phrase. Static text.
std::string_view reason_phrase(std::uint16_t status);

// A complete answer but for the framing, which is the writer's: Content-Length is body.size(). Views are static or live
// in the arena.
struct ErrorPage {
  std::uint16_t status = 500;
  std::string_view reason;
  std::string_view content_type;
  std::string_view body;         // not to be sent in answer to HEAD
  std::string_view retry_after;  // seconds; empty: no such field

  // content-type, cache-control: no-store, and retry-after when there is one.
  void add_fields(http::HeaderMap& headers) const;
};

// The page for `error` or `status`. JSON {"status","error","message","request_id"} unless the request's Accept prefers
// text, then plain text. `request` may be null when no head was understood. Says nothing about the backend but that
// there was one. `message` is one sentence for people; empty: one that fits the status.
ErrorPage error_page(const base::Error& error, const http::RequestHead* request, std::string_view request_id,
                     base::Arena& arena);
ErrorPage error_page(std::uint16_t status, std::string_view message, const http::RequestHead* request,
                     std::string_view request_id, base::Arena& arena);

}  // namespace weir::proxy
