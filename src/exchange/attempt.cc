#include "exchange/attempt.h"

#include "base/text.h"
#include "http/method.h"
#include "worker/proxy_preamble.h"
#include "worker/termination.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// A backend that ends a connection later than that had the request.
constexpr auto kStaleWithin = std::chrono::seconds(1);

// Whether it can be sent once more, should its connection turn out to be closed already: of a body, some may have left
// memory by then.
bool is_repeatable(const http::RequestHead& request) {
  return is_idempotent(request) && request.body.kind == http::BodyFraming::Kind::none;
}

upstream::Tunnel tunnel_of(const http::RequestHead& request) {
  if (!request.wants_upgrade) return upstream::Tunnel::none;
  bool websocket = base::equal_ignoring_case(request.upgrade, "websocket");
  return websocket ? upstream::Tunnel::websocket : upstream::Tunnel::other;
}

upstream::LinkRequest link_request(const Attempt& attempt, const LinkContext& context) {
  const worker::PoolSnapshot& pool = *context.facts.pool;
  const config::Pool& config = *pool.config;
  return {.options = {.backend = &context.tries.entry(),
                      .settings = &config.connections,
                      .connect_timeout = context.facts.timeouts.connect(),
                      .queue_timeout = context.facts.timeouts.queue(),
                      .metrics = &pool.runtime->connections,
                      .tls = &pool.tls,
                      .fresh = context.tries.repeats(),
                      .opened_since = context.tries.repeats() ? attempt.started : base::TimePoint(),
                      .unrepeatable = !is_repeatable(context.state.request),
                      .unshared = config.proxy_protocol != config::SendProxy::off || config.transparent},
          .protocol = config.protocol,
          .tunnel = tunnel_of(context.state.request)};
}

// Where there was no connection to be had.
Error connect_error(Error error, const LinkContext& context) {
  if (was_too_late(error, context.request_watch)) {
    // It may have waited for a place all the time: that says nothing of the backend.
    context.tries.end({});
    return kRequestTimedOut;
  }
  error = worker::naming_connect_timeout(error);
  if (error.side == Side::backend) context.tries.connect_failed(error);
  error.retry_helps = error.code != ErrorCode::cancelled;
  return error;
}

}  // namespace

void Attempt::use(upstream::Link link, worker::Worker& worker, worker::ExchangeState& state) {
  if (link.h2 != nullptr) {
    side = &storage_.emplace<H2Backend>(worker, state, *link.h2);
    // Whether the backend takes WebSockets it has said. HTTP/2 knows no other upgrades: they are left out.
    if (tunnel_of(state.request) == upstream::Tunnel::other) state.request.wants_upgrade = false;
  } else {
    side = &storage_.emplace<H1Backend>(worker, state.arena, std::move(link.lease));
  }
}

bool is_idempotent(const http::RequestHead& request) { return http::is_idempotent(request.method); }

bool take_link(Attempt& attempt, const LinkContext& context) {
  worker::Worker& worker = context.client.worker;
  std::optional<upstream::Link> link = worker.links.take(link_request(attempt, context));
  if (!link) return false;
  attempt.use(std::move(*link), worker, context.state);
  return true;
}

net::Task<base::Result<void>> open_link(Attempt& attempt, const LinkContext& context) {
  worker::Worker& worker = context.client.worker;
  const config::Pool& pool = *context.facts.pool->config;
  upstream::LinkRequest request = link_request(attempt, context);
  std::string preamble;
  if (request.options.unshared) {
    preamble = worker::proxy_preamble(pool.proxy_protocol, context.client.facts, context.facts.request_id);
    request.options.preamble = preamble;
    if (pool.transparent) request.options.source = &context.client.facts.peer.ip;
  }
  base::Result<upstream::Link> link = co_await worker.links.acquire(request);
  attempt.queue_time = worker.reactor.now() - attempt.started;
  if (!link) co_return std::unexpected(connect_error(link.error(), context));
  context.tries.connected();
  attempt.use(std::move(*link), worker, context.state);
  co_return base::Result<void>();
}

bool was_too_late(const Error& error, const net::CancelAt* request_watch) {
  bool cancelled = error.code == ErrorCode::cancelled || std::string_view(error.what) == kRequestTimedOut.what;
  return cancelled && request_watch != nullptr && request_watch->passed();
}

Error backend_error(Error error, Attempt& attempt, const net::CancelAt* request_watch) {
  if (error.side == Side::client) return error;
  if (was_too_late(error, request_watch)) return kRequestTimedOut;
  error.side = error.code == ErrorCode::cancelled ? Side::client : Side::backend;
  bool lost = error.code == ErrorCode::closed || error.code == ErrorCode::reset;
  // A backend that says it has not looked at the request (REFUSED_STREAM, GOAWAY) leaves nothing to guess.
  bool at_once = net::Reactor::current().now() - attempt.started - attempt.queue_time < kStaleWithin;
  attempt.stale = lost && at_once && !error.retry_helps && attempt.side->may_be_stale();
  error.retry_helps = error.retry_helps || attempt.stale;
  return error;
}

}  // namespace weir::exchange
