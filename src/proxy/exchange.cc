#include "proxy/exchange.h"

#include <new>

#include "base/hash.h"
#include "base/memory_reserve.h"
#include "base/out_of_memory.h"
#include "base/text.h"
#include "http/target.h"
#include "proxy/grpc.h"
#include "proxy/hash_key.h"
#include "route/path_rules.h"
#include "worker/tls_facts.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

constexpr Error kGrpcFailure{.code = ErrorCode::io, .side = Side::backend, .what = "its grpc-status is a failure"};

// Whether the list of protocols has h2c (RFC 7540 3.2), in any case and version.
bool asks_for_h2c(std::string_view protocols) {
  std::string lower = base::to_lower(protocols);
  return lower.find("h2c") != std::string::npos;
}

// A handshake is a GET without a body (RFC 6455 4.1). Any other request is served as what it is besides (RFC 9110 7.8).
// Of no other protocol is anything known.
bool may_open_websocket(const http::RequestHead& request) {
  if (!base::equal_ignoring_case(request.upgrade, "websocket") || request.extended_connect) return true;
  bool has_body = request.body.kind == http::BodyFraming::Kind::chunked || request.body.length > 0;
  return request.method == "GET" && !has_body;
}

}  // namespace

Exchange::Exchange(ClientConnection& client, ClientSide& side, ExchangeState& state)
    : client_(client),
      client_side_(side),
      worker_(client.worker),
      state_(state),
      request_(state.request),
      response_(state.response),
      arena_(state.arena),
      tries_(client.worker),
      h1_backend_(client.worker, state.arena),
      h2_backend_(client.worker, state) {
  worker_.exchange_begins();
}

Exchange::~Exchange() { worker_.exchange_ends(); }

// The whole way of a request. Without memory it ends as any failure does; the client never takes half a response for a
// whole one.
net::Task<void> Exchange::run() {
  try {
    begin();
    if (std::optional<Refusal> refusal = admit()) {
      co_await answer_status(refusal->status, refusal->message);
    } else {
      find_route();
      if (pool_ == nullptr) {
        co_await answer_locally();
      } else if (has_deadline()) {
        co_await forward_in_time();
      } else {
        co_await forward();
      }
    }
  } catch (const std::bad_alloc&) {
    client_side_.cancel_when_broken(nullptr);
    request_watch_ = nullptr;
    failure_ = base::kOutOfMemory;
  }
  try {
    if (failure_) co_await end_failed();
  } catch (const std::bad_alloc&) {
    client_side_.abort();
  }
  try {
    finish();
  } catch (const std::bad_alloc&) {
    // It was served, and is not logged.
  }
}

net::Task<void> Exchange::refuse(const http::Parsed& parsed, Termination how) {
  bool call = request_.version == http::Version::http_2 && is_grpc(request_.headers);
  http::RequestHead read = request_;
  request_.clear();
  // Its client understands no other answer.
  if (call) request_.headers.add("content-type", "application/grpc");
  begin();
  termination_ = how;
  client_side_.give_up_body();
  if (parsed.status == kClientClosedRequest || client_side_.gone() != nullptr) {
    status_ = parsed.status;
    note_refusal(parsed.status, parsed.what);
  } else {
    co_await answer_status(parsed.status, parsed.what);
  }
  if (const http::HeaderField* host = read.headers.find(http::HeaderId::host);
      host != nullptr && read.authority.empty())
    read.authority = host->value;
  request_ = std::move(read);
  finish();
}

void Exchange::begin() {
  snapshot_ = worker_.snapshot_of(client_.listening);
  started_ = worker_.reactor.now();
  timeouts_.global = &snapshot_->timeouts;
  std::uint32_t index = client_.listening.index;
  if (index != UINT32_MAX) {
    listener_ = snapshot_->listeners[index].get();
    timeouts_.listener = &listener_->config->timeouts;
    peer_trusted_ = is_trusted(client_.peer.ip, listener_->config->trusted_proxies);
    forwarded_ =
        forwarded(request_, client_.peer.ip, peer_trusted_, scheme(), listener_->config->trusted_proxies, arena_);
  }
  request_id_ = request_id(request_, peer_trusted_, worker_.request_ids, arena_);
  awaiting_continue_ = request_.expects_continue;
  // HTTP/2 inside a tunnel would pass every rule by.
  if (request_.wants_upgrade && asks_for_h2c(request_.upgrade)) request_.wants_upgrade = false;
  if (request_.wants_upgrade && !may_open_websocket(request_)) request_.wants_upgrade = false;
  // A tunnel carries no call, whatever its head says.
  is_call_ = is_grpc(request_.headers) && !request_.wants_upgrade;
}

// What is refused whatever the routes say, and the limits of the listener.
std::optional<Exchange::Refusal> Exchange::admit() {
  if (listener_ == nullptr) return Refusal{503, "This listener is not ready yet."};
  if (!base::memory_reserve::is_whole()) return Refusal{503, "The load balancer is short of memory."};
  if (const char* broken = http::canonicalize(request_, route::path_rules(listener_->config->paths), arena_)) {
    client_side_.close_after();
    return Refusal{400, broken};
  }
  if (is_misdirected(client_, *listener_, request_.authority)) {
    return Refusal{421, "This host is not served on a connection that was made for another one."};
  }
  if (request_.method == "CONNECT") return Refusal{405, "This is not a forward proxy: CONNECT is not offered."};
  if (request_.method == "TRACE") return Refusal{405, "TRACE is not offered."};
  if (request_.body.kind == http::BodyFraming::Kind::length && request_body_too_large(request_.body.length)) {
    return Refusal{413, "The body is larger than this listener accepts."};
  }
  if (request_.version == http::Version::http_1_0 && !listener_->config->http_1_0_keep_alive) {
    client_side_.close_after();
  }
  http::MaxForwards max_forwards = http::max_forwards(request_);
  if (max_forwards.action == http::MaxForwards::Action::respond) {
    return Refusal{200, "Max-Forwards is 0: answered by the load balancer."};
  }
  if (max_forwards.action == http::MaxForwards::Action::forward) max_forwards_ = max_forwards;
  return is_call_ ? begin_call() : std::nullopt;
}

void Exchange::find_route() {
  route_ = route_of(*listener_->config, *listener_->routes, request_, forwarded_, arena_);
  const std::vector<std::uint32_t>& pools = snapshot_->pool_of_route[client_.listening.index];
  std::uint32_t pool = pools.back();
  if (route_ != route::kNoRoute) {
    route_config_ = &listener_->config->routes[route_];
    timeouts_.route = &route_config_->timeouts;
    pool = pools[route_];
  }
  if (pool == kNoPool) return watch(client_side_.pace(), Direction::response);
  pool_ = snapshot_->pools[pool].get();
  tries_.use(*pool_);
  timeouts_.pool = &pool_->config->timeouts;
  watch(client_side_.pace(), Direction::response);
}

// One word for the log.
Termination Exchange::ended_by(const Error& error) const {
  if (call_late_) return Termination::deadline;
  return client_too_slow_ ? Termination::client_too_slow : termination(error);
}

// Tries backends until one has answered, or nothing more may be tried: failure_ says why.
net::Task<void> Exchange::forward() {
  pool_->runtime->retry_budget.count_request(worker_.index, started_);
  net::TaskContext& context = co_await net::this_context();
  // A client that breaks its connection ends the work for it, wherever that waits.
  client_side_.cancel_when_broken(&context);
  base::Result<void> outcome;
  do {
    if (backend_side_ != nullptr) backend_side_->release();
    if (!pick()) {
      outcome = std::unexpected(tries_.none_is_eligible());
      break;
    }
    try {
      outcome = co_await attempt();
    } catch (const std::bad_alloc&) {
      outcome = std::unexpected(base::kOutOfMemory);
    }
    if (pump_) {
      // By no task of its own, which might lack memory: the request's body goes on no longer than the attempt.
      pump_->cancel();
      co_await pump_->join();
      pump_.reset();
    }
    attempt_ended(outcome);
    if (!outcome) detail_ = cause_of(outcome.error());
  } while (!outcome && may_retry(outcome.error()));
  client_side_.cancel_when_broken(nullptr);
  if (!outcome) {
    // What was received may still be on its way out: end_failed() decides about that.
    failure_ = attributed(outcome.error());
  } else if (backend_side_ != nullptr) {
    backend_side_->release();
  }
  forward_ended_ = true;
}

// `error` with the side whose doing it was, where the wait that it ended cannot know.
Error Exchange::attributed(Error error) const {
  if (error.code == ErrorCode::cancelled) {
    const char* gone = client_side_.gone();
    return {.code = error.code,
            .side = gone != nullptr ? Side::client : Side::ours,
            .what = gone != nullptr ? gone : kListenerDrained};
  }
  bool lost = error.side == Side::backend && (error.code == ErrorCode::closed || error.code == ErrorCode::reset);
  if (lost && tries_.has_backend() && tries_.backend().cut_off.load(std::memory_order_relaxed)) {
    return {.code = ErrorCode::cancelled, .side = Side::backend, .what = kBackendDrained};
  }
  return error;
}

std::string_view Exchange::cause_of(const Error& error) {
  if (client_too_slow_) return "the client was slower than min_rate";
  return error.os_error == 0 ? std::string_view(error.what) : arena_.copy(base::cause(error));
}

net::Task<void> Exchange::end_failed() {
  detail_ = cause_of(*failure_);
  if (!client_side_.response_started()) {
    co_await answer_error(*failure_);
    co_return;
  }
  bool quiet_tunnel = failure_->side == Side::ours && failure_->code == ErrorCode::timeout;
  termination_ = quiet_tunnel && !call_late_ ? Termination::idle_timeout : ended_by(*failure_);
  bool told = false;
  if (call_late_) told = co_await end_call_by_trailers();
  // Half an answer is out: the only honest end is a broken connection.
  if (!told) client_side_.abort();
}

bool Exchange::pick() {
  std::uint32_t picked = balance::kNone;
  const persist::Method* method = pool_->method.get();
  if (tries_.tries() == 0 && method != nullptr) {
    persist::Match match = method->find(sticky_client());
    picked = match.index;
    tell_method_ = picked == balance::kNone || match.is_due;
    if (picked == balance::kNone) picked = tries_.pick(hash_of(pool_->hash_key));
  } else if (tries_.repeats() && tries_.is_still_eligible()) {
    // After a stale connection the same backend again: it did nothing wrong by closing an idle one.
    picked = tries_.index();
  } else {
    picked = tries_.pick(hash_of(pool_->hash_key));
    tell_method_ = method != nullptr;
  }
  if (picked == balance::kNone) return false;
  tries_.begin(picked);
  attempt_started_ = worker_.reactor.now();
  return true;
}

// The client as stickiness sees it.
persist::Client Exchange::sticky_client() const {
  return {.address_hash = forwarded_.client.hash(),
          .request = &request_,
          .unix_seconds = worker_.unix_ms() / 1000,
          .over_tls = listener_->tls != nullptr};
}

// The backend's part is over: at the latest when attempt() has ended, earlier when the whole response is in hand, so
// that backend and connection are free before the client can know it.
void Exchange::attempt_ended(const base::Result<void>& outcome) {
  if (!tries_.under_way()) return;
  TryOutcome ended{.how = TryOutcome::How::answered};
  if (!outcome) ended = TryOutcome::of(attributed(outcome.error()));
  if (outcome && grpc_failed()) ended = {.how = TryOutcome::How::failed, .error = kGrpcFailure};
  ended.status = response_.status;
  ended.grpc_status = call_status_;
  ended.latency = upstream_time_;
  tries_.end(ended);
  // A backend that did not take an upgrade may have understood the request in a way of its own.
  bool clean = outcome && response_.keep_alive && body_sent_ && !request_.wants_upgrade;
  if (backend_side_ != nullptr) backend_side_->end(clean);
}

// RFC 9110 9.2.2.
bool Exchange::is_idempotent() const {
  std::string_view method = request_.method;
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

// Whether it can be sent once more, should its connection turn out to be closed already: of a body, some may have left
// memory by then.
bool Exchange::is_repeatable() const { return is_idempotent() && request_.body.kind == http::BodyFraming::Kind::none; }

bool Exchange::may_retry(const Error& error) {
  return tries_.retry(error, {.can_repeat = !client_side_.response_started() && !body_pulled_,
                              .is_idempotent = is_idempotent(),
                              .stale = stale_connection_,
                              .was_repeated = tries_.repeats()});
}

std::uint64_t Exchange::hash_of(const balance::HashKeySource& source) const {
  if (source.kind == balance::HashKeySource::Kind::none) return 0;
  std::string_view key = key_text(source, request_);
  return key.empty() ? forwarded_.client.hash() : base::hash_text(key);
}

}  // namespace weir::proxy
