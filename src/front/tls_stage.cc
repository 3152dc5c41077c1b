#include "front/tls_stage.h"

#include "base/log.h"
#include "front/unserved.h"
#include "http/h1_codec.h"
#include "metrics/families.h"
#include "net/drop_rest.h"
#include "tls/handshake.h"
#include "worker/termination.h"

namespace weir::front {

namespace families = metrics::families;
using base::ErrorCode;

namespace {

constexpr auto kLinger = std::chrono::seconds(1);
constexpr net::RestBounds kRest{.time = kLinger, .bytes = 64 * 1024};
constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 73\r\n"
    "connection: close\r\n"
    "\r\n"
    "This port speaks HTTPS, but the request came without TLS. Use https://.\r\n";

net::Task<void> tell_plain_client(net::TcpStream& stream) {
  base::Result<void> written = co_await stream.write(kPlainHttp, kLinger);
  if (written) co_await net::drop_rest(stream, kRest);
}

// The alert that says why is on its way; a client of TLS 1.3 may have sent its first request by now.
net::Task<void> let_alert_arrive(net::TcpStream& stream) {
  stream.descriptor().set_filter(nullptr);
  co_await net::drop_rest(stream, kRest);
}

// The error of a handshake that failed, with the side whose doing it was.
base::Error handshake_error(base::Error error) {
  if (error.code == ErrorCode::cancelled) {
    error.what = worker::kListenerDrained;
  } else if (error.code != ErrorCode::exhausted) {
    error.side = base::Side::client;
  }
  if (error.code == ErrorCode::closed) error.what = "the client closed the connection within the TLS handshake";
  return worker::naming_timeout(error, "no whole TLS handshake within tls.handshake_timeout");
}

// The client left before its first byte: a probe, or a connection that was opened in advance. Listeners without TLS
// write no line for such either.
bool left_unused(const net::TcpStream& stream, const base::Error& error) {
  return !stream.is_filtered() && (error.code == ErrorCode::closed || error.code == ErrorCode::reset);
}

void log_failed(const worker::Arrival& arrival, const net::TcpStream& stream, const base::Error& error) {
  Unserved line{.version = "TLS", .error = handshake_error(error)};
  tls::ConnectionFacts facts = tls::ConnectionFacts::of(stream);
  if (facts) {
    line.host = facts.server_name();
    if (const char* refused = tls::refused_certificate(stream)) {
      line.about = "client certificate: ";
      line.error.what = refused;
    }
  }
  log_unserved(arrival, line);
}

// Method, target and host of what came instead of a handshake are in its first bytes.
void log_plain(const worker::Arrival& arrival, std::string_view first_bytes, std::uint16_t status) {
  http::RequestHead head;
  static_cast<void>(http::parse_request_head(first_bytes, {}, head));
  const http::HeaderField* host = head.headers.find(http::HeaderId::host);
  base::Error error{.code = ErrorCode::protocol, .side = base::Side::client, .what = "plain HTTP on a TLS port"};
  log_unserved(arrival, {.version = "TCP",
                         .error = error,
                         .status = status,
                         .method = head.method,
                         .target = head.target,
                         .host = host != nullptr ? host->value : std::string_view()});
}

void count(const TlsMetrics& metrics, std::uint32_t worker, const base::Error& error) {
  if (error.code == ErrorCode::timeout) {
    metrics.timed_out.add(worker);
  } else if (error.code == ErrorCode::closed || error.code == ErrorCode::reset || error.code == ErrorCode::cancelled) {
    metrics.closed.add(worker);
  } else {
    metrics.refused.add(worker);
  }
}

}  // namespace

TlsMetrics::TlsMetrics(metrics::Registry& registry)
    : timed_out(registry.counter(families::kTlsHandshakeFailures, {"timeout"})),
      closed(registry.counter(families::kTlsHandshakeFailures, {"closed"})),
      refused(registry.counter(families::kTlsHandshakeFailures, {"refused"})),
      plain(registry.counter(families::kTlsHandshakeFailures, {"plain_http"})),
      too_many(registry.counter(families::kTlsHandshakeFailures, {"rate"})) {
  for (int is_1_3 : {0, 1}) {
    for (int resumed : {0, 1}) {
      established[is_1_3][resumed] = registry.counter(
          families::kTlsHandshakes, {is_1_3 != 0 ? "TLSv1.3" : "TLSv1.2", resumed != 0 ? "true" : "false"});
    }
  }
}

net::Task<bool> shake_hands(worker::Arrival& arrival, net::TcpStream& stream, const TlsMetrics& metrics) {
  worker::Worker& worker = arrival.worker;
  // Keeps what the callbacks of the handshake ask.
  worker::SnapshotRef snapshot = worker.snapshot_of(arrival.listening);
  std::uint32_t index = arrival.listening.index;
  if (index == UINT32_MAX) co_return false;
  const worker::ListenerSnapshot& listener = *snapshot->listeners[index];
  if (listener.tls == nullptr) co_return false;
  static const config::ListenerTls kByDefault;
  const config::ListenerTls& rules = listener.config->tls ? *listener.config->tls : kByDefault;
  if (listener.tls->limit != nullptr && !listener.tls->limit->admit(arrival.facts.peer.ip, worker.reactor.now())) {
    metrics.too_many.add(worker.index);
    arrival.listening.runtime->refuse(worker::Refusal::handshake_rate, worker.index, arrival.facts.peer.ip,
                                      worker.reactor.now());
    stream.abort();
    co_return false;
  }
  base::TimePoint deadline = worker.reactor.now() + rules.handshake_timeout;
  const tls::ServerContext& context = *listener.tls->of_worker[worker.index];
  base::Result<tls::Accepted> accepted = co_await tls::accept(stream, context, deadline);
  if (accepted == tls::Accepted::plain_http) {
    metrics.plain.add(worker.index);
    bool is_http = listener.config->protocol == config::ListenerProtocol::https;
    log_plain(arrival, tls::first_plain_bytes(), is_http ? 400 : 0);
    if (is_http) co_await tell_plain_client(stream);
    co_return false;
  }
  if (!accepted) {
    const base::Error& error = accepted.error();
    count(metrics, worker.index, error);
    base::log_debug("listener {}: TLS handshake with {}: {}", arrival.listening.runtime->name,
                    arrival.facts.peer.to_string(), base::describe(error));
    if (!left_unused(stream, error)) log_failed(arrival, stream, error);
    if (error.code == ErrorCode::protocol && stream.is_filtered()) co_await let_alert_arrive(stream);
    co_return false;
  }
  arrival.facts.tls = tls::ConnectionFacts::of(stream);
  const tls::ConnectionFacts& facts = arrival.facts.tls;
  metrics.established[facts.is_version_1_3()][facts.resumed()].add(worker.index);
  if (rules.client.mode != config::ClientCertificateMode::off) {
    if (auto identity = facts.client_identity()) arrival.facts.findings().certificate = std::move(identity);
  }
  co_return true;
}

}  // namespace weir::front
