// One try of an exchange on one backend.

#include "base/text.h"
#include "proxy/exchange.h"
#include "tls/handshake.h"
#include "worker/proxy_preamble.h"

namespace weir::proxy {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Heads of 1xx before the final one. Each is kept until the exchange ends, and HTTP/2 has no flow control for heads.
constexpr int kMaxInterimHeads = 16;
// A backend that ends a connection later than that had the request.
constexpr auto kStaleWithin = std::chrono::seconds(1);
constexpr std::string_view kWebSocket = "websocket";

}  // namespace

net::Task<base::Result<void>> Exchange::attempt() {
  body_sent_ = body_stopped_ = stale_connection_ = false;
  upstream_time_ = queue_time_ = {};
  base::Result<void> connected = co_await connect();
  bool asked = connected || connected.error().side == Side::backend;
  if (asked && tries_.under_way()) tries_.reached();
  if (!connected) co_return connected;
  base::Result<void> sent = co_await send_request();
  if (!sent) co_return std::unexpected(backend_error(sent.error()));
  base::Result<void> answered = co_await read_response_head();
  if (!answered) co_return std::unexpected(client_failure_.value_or(answered.error()));
  if (request_watch_ != nullptr) request_watch_->stop();
  if (response_.status == 101) co_return co_await tunnel();
  upstream_time_ = worker_.reactor.now() - attempt_started_;
  pool_->runtime->upstream_duration.observe(worker_.index, static_cast<std::uint64_t>(upstream_time_.count()));
  base::Result<void> relayed = co_await relay_response();
  // A client that fails on its way in ends the backend's answer: not the backend's failure.
  if (!relayed && client_failure_) co_return std::unexpected(*client_failure_);
  co_return relayed;
}

// A connection to the present backend, in backend_side_.
net::Task<base::Result<void>> Exchange::connect() {
  upstream::AcquireOptions options{.backend = &tries_.entry(),
                                   .settings = &pool_->config->connections,
                                   .connect_timeout = timeouts_.connect(),
                                   .queue_timeout = timeouts_.queue(),
                                   .metrics = &pool_->runtime->connections,
                                   .tls = &pool_->tls,
                                   .fresh = tries_.repeats(),
                                   .unrepeatable = !is_repeatable()};
  if (pool_->config->protocol == config::PoolProtocol::h2) co_return co_await connect_h2(options);
  // Which version a backend speaks its handshake says: in clear there is none, and `auto` means HTTP/1.1.
  bool by_alpn = pool_->config->protocol == config::PoolProtocol::automatic && pool_->tls != nullptr;
  if (by_alpn && worker_.h2_links.has_links(options)) {
    // Most that speak HTTP/2 take WebSockets by HTTP/1.1 only.
    bool websocket = request_.wants_upgrade && base::equal_ignoring_case(request_.upgrade, kWebSocket);
    if (!websocket || !worker_.h2_links.refuses_tunnels(options)) co_return co_await connect_h2(options);
    options.only_protocol = "http/1.1";
  }
  std::string preamble;
  if (pool_->config->proxy_protocol != config::SendProxy::off || pool_->config->transparent) {
    preamble = proxy_preamble(pool_->config->proxy_protocol, client_, request_id_);
    options.unshared = true;
    options.preamble = preamble;
    if (pool_->config->transparent) options.source = &client_.peer.ip;
  }
  upstream::Lease lease;
  if (!tries_.repeats() && !options.unshared) lease = worker_.connections.take_idle(options);
  if (!lease) {
    base::Result<upstream::Lease> acquired = co_await worker_.connections.acquire(options);
    queue_time_ = worker_.reactor.now() - attempt_started_;
    // A backend that insists on HTTP/2 serves all others; what this client asked for it does not do.
    if (!acquired && !options.only_protocol.empty() && acquired.error().code == ErrorCode::protocol) {
      co_return websocket_not_offered();
    }
    if (!acquired) co_return std::unexpected(connect_error(acquired.error()));
    lease = std::move(*acquired);
    tries_.connected();
    if (!options.only_protocol.empty() && !lease.reused() && tls::protocol(lease.stream()) != options.only_protocol) {
      lease.close();
      co_return websocket_not_offered();
    }
    if (by_alpn && !lease.reused() && tls::protocol(lease.stream()) == "h2") {
      worker_.h2_links.adopt(options, std::move(lease));
      co_return co_await connect_h2(options);
    }
  }
  h1_backend_.begin(std::move(lease));
  backend_side_ = &h1_backend_;
  co_return base::Result<void>();
}

// A stream on a connection that may carry others.
net::Task<base::Result<void>> Exchange::connect_h2(upstream::AcquireOptions options) {
  // Whether the backend takes tunnels its SETTINGS say. Of other upgrades HTTP/2 knows none: they are left out.
  if (request_.wants_upgrade && !base::equal_ignoring_case(request_.upgrade, kWebSocket)) {
    request_.wants_upgrade = false;
  }
  options.established = request_.wants_upgrade;
  if (tries_.repeats()) options.opened_since = attempt_started_;
  upstream::H2Link* link = nullptr;
  if (options.unrepeatable) {
    link = co_await worker_.h2_links.find_alive(options);
  } else {
    link = worker_.h2_links.find(options);
  }
  if (link == nullptr) {
    base::Result<upstream::H2Link*> acquired = co_await worker_.h2_links.acquire(options);
    queue_time_ = worker_.reactor.now() - attempt_started_;
    if (!acquired) co_return std::unexpected(connect_error(acquired.error()));
    link = *acquired;
    tries_.connected();
  }
  bool refused = request_.wants_upgrade && !link->connection.peer_takes_extended_connect();
  // Now that the backend has said so, by HTTP/1.1.
  if (refused && pool_->config->protocol == config::PoolProtocol::automatic) co_return co_await connect();
  h2_backend_.begin(*link);
  backend_side_ = &h2_backend_;
  co_return base::Result<void>();
}

// Whether timeouts.request has cancelled it.
bool Exchange::was_too_late(const Error& error) const {
  bool cancelled = error.code == ErrorCode::cancelled || error.what == kRequestTimedOut.what;
  return cancelled && request_watch_ != nullptr && request_watch_->passed();
}

Error Exchange::connect_error(Error error) {
  if (was_too_late(error)) {
    // It may have waited for a place all the time: that says nothing of the backend.
    tries_.end({});
    return kRequestTimedOut;
  }
  error = naming_connect_timeout(error);
  if (error.side == Side::backend && is_connect_failure(error.code)) tries_.connect_failed(error);
  error.retry_helps = error.code != ErrorCode::cancelled;
  return error;
}

// Whose fault and whether another try is safe: a reused connection that died before a byte came back was most likely
// closed by the backend before the request arrived.
Error Exchange::backend_error(Error error) {
  if (error.side == Side::client) return error;
  if (was_too_late(error)) return kRequestTimedOut;
  error.side = error.code == ErrorCode::cancelled ? Side::client : Side::backend;
  bool lost = error.code == ErrorCode::closed || error.code == ErrorCode::reset;
  // What a backend says it has not looked at (REFUSED_STREAM, GOAWAY) is no guess.
  bool at_once = worker_.reactor.now() - attempt_started_ - queue_time_ < kStaleWithin;
  stale_connection_ = lost && at_once && !error.retry_helps && backend_side_->may_be_stale();
  error.retry_helps = error.retry_helps || stale_connection_;
  return error;
}

// Head and as much of the body as has arrived go out in one write; the rest of the body follows by a task of its own.
net::Task<base::Result<void>> Exchange::send_request() {
  client_side_.start_body();
  http::BodyPiece piece{.data = {}, .last = true};
  const http::HeaderMap* trailers = nullptr;
  if (request_.body.kind != http::BodyFraming::Kind::none) {
    base::Result<std::optional<http::BodyPiece>> buffered = client_side_.buffered_body();
    if (!buffered) co_return std::unexpected(buffered.error().on(Side::client));
    piece = buffered->value_or(http::BodyPiece{});
    if (piece.last) trailers = passing_trailers(client_side_);
  }
  body_bytes_ = piece.data.size();
  if (request_body_too_large(body_bytes_)) {
    Error error{.code = ErrorCode::too_large, .side = Side::client, .what = kBodyTooLarge};
    co_return std::unexpected(error);
  }
  base::Result<void> sent =
      co_await backend_side_->send_head(RequestForBackend(*this), request_, piece, trailers, timeouts_.body());
  if (!sent) {
    co_return std::unexpected(naming_timeout(sent.error(), "the backend took no bytes within timeouts.body"));
  }
  body_sent_ = piece.last;
  if (!piece.last) {
    pump_.emplace();
    pump_->spawn(pump_request_body());
  }
  co_return base::Result<void>();
}

// The final head or that of 101, in response_; interim ones before it are passed on. One deadline for all of them.
net::Task<base::Result<void>> Exchange::read_response_head() {
  // Without the whole request the backend owes nothing; the pump starts the clock when it is done.
  bool owed = body_sent_ || body_stopped_;
  base::TimePoint deadline = owed ? worker_.reactor.now() + timeouts_.response() : base::TimePoint::max();
  for (int interim = 0; interim <= kMaxInterimHeads; ++interim) {
    base::Result<void> read = co_await backend_side_->read_head(response_, request_.method, deadline);
    if (!read) {
      Error error = naming_timeout(read.error(), "no response header within timeouts.response");
      co_return std::unexpected(backend_error(error));
    }
    if (response_.status == 101 || response_.status >= 200) co_return base::Result<void>();
    base::Result<void> relayed = co_await relay_interim();
    if (!relayed) co_return std::unexpected(relayed.error().on(Side::client));
  }
  Error endless{.code = ErrorCode::protocol, .side = Side::backend, .what = "too many interim responses"};
  co_return std::unexpected(endless);
}

}  // namespace weir::proxy
