// One try of an exchange on one backend.
#pragma once

#include <variant>

#include "exchange/facts.h"
#include "exchange/h1_backend.h"
#include "exchange/h2_backend.h"
#include "net/cancel_at.h"
#include "upstream/links.h"
#include "worker/backend_tries.h"

namespace weir::exchange {

// Stays where it is: the response's bytes lie in its side.
struct Attempt {
  explicit Attempt(base::TimePoint now) : started(now) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  // From now on the try speaks to its backend on `link`.
  void use(upstream::Link link, worker::Worker& worker, worker::ExchangeState& state);

  base::TimePoint started;
  base::TimePoint asked;               // when the header of the request went out; the start of time before that
  base::Nanoseconds upstream_time{0};  // to the header of the response
  base::Nanoseconds queue_time{0};     // until there was a connection
  bool stale = false;                  // it failed because a reused connection had died
  BackendSide* side = nullptr;         // null while there is no connection

 private:
  std::variant<std::monostate, H1Backend, H2Backend> storage_;
};

// The values that a link is chosen by.
struct LinkContext {
  const worker::ClientConnection& client;
  const Facts& facts;
  worker::ExchangeState& state;
  worker::BackendTries& tries;
  const net::CancelAt* request_watch;  // of timeouts.request; null: it is not set, or has been stopped
};

// RFC 9110 9.2.2.
bool is_idempotent(const http::RequestHead& request);

// A connection to the present backend of `context.tries` for `attempt`: one that is ready. False: open_link().
bool take_link(Attempt& attempt, const LinkContext& context);
// The same with waiting. An upgrade that HTTP/2 does not know is taken out of the request where the link speaks that.
net::Task<base::Result<void>> open_link(Attempt& attempt, const LinkContext& context);

// `error` of a try that had a connection, with its side and whether a retry is safe. Notes in `attempt` whether the
// connection was stale: a reused one that died before a byte came back was most likely closed by the backend before the
// request arrived.
base::Error backend_error(base::Error error, Attempt& attempt, const net::CancelAt* request_watch);

inline constexpr base::Error kRequestTimedOut{
    .code = base::ErrorCode::timeout, .side = base::Side::backend, .what = "timeouts.request has passed"};
// Whether timeouts.request has caused `error`.
bool was_too_late(const base::Error& error, const net::CancelAt* request_watch);

}  // namespace weir::exchange
