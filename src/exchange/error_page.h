// The answers that Weir makes itself when something fails: the only place that turns an Error into a status code.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "http/message.h"

namespace weir::exchange {

// The status of a client that went away: never sent, only logged (nginx's convention).
inline constexpr std::uint16_t kClientClosedRequest = 499;

// The status for an exchange that ended in `error`:
//   client:  protocol 400, timeout 408, too_large 413, not_found (nothing here does that) 501,
//            gone (closed, reset, cancelled) 499;
//   backend: timeout 504, exhausted 503, everything else 502;
//   ours:    timeout (of a queue) and exhausted 503, everything else 500;
//   whosever side: no_backend and queue_full 503; cancelled, but by the backend's drain, 499.
std::uint16_t status_of(const base::Error& error);

// A complete answer but for the framing, which is the writer's: Content-Length is body.size(). Views are static or live
// in the arena.
struct ErrorPage {
  std::uint16_t status = 500;
  std::string_view content_type;
  std::string_view body;         // not to be sent in answer to HEAD
  std::string_view retry_after;  // seconds; empty: no such field
  std::string_view reason;       // of the status
  std::string_view message;      // one sentence for people

  // add(name, value) for content-type, cache-control: no-store, and retry-after when there is one.
  template <typename Add>
  void add_fields(Add&& add) const {
    add("content-type", content_type);
    add("cache-control", "no-store");
    if (!retry_after.empty()) add("retry-after", retry_after);
  }
};

// The page for `error` or `status`: JSON {"status","error","message","request_id"} when the request's Accept prefers it
// (http::prefers_json), else plain text. `request` may be null when no head was understood. A fault of the client's
// protocol is named with its rule; nothing is said of the backend but that there was one. `message` is one sentence for
// people; empty: one that fits the status.
ErrorPage error_page(const base::Error& error, const http::RequestHead* request, std::string_view request_id,
                     base::Arena& arena);
ErrorPage error_page(std::uint16_t status, std::string_view message, const http::RequestHead* request,
                     std::string_view request_id, base::Arena& arena);

}  // namespace weir::exchange
