#include "front/serve.h"

#include <new>

#include "exchange/forwarded.h"
#include "front/h1_session.h"
#include "front/h2_session.h"
#include "front/proxy_stage.h"
#include "front/tcp_session.h"
#include "front/tls_stage.h"
#include "worker/client_connection.h"

namespace weir::front {
namespace {

// The listener's configuration as of now; null when it is being removed.
const config::Listener* configuration(const worker::Worker& worker, const worker::Listening& listening) {
  if (listening.index == UINT32_MAX) return nullptr;
  return worker.snapshot_of(listening)->listeners[listening.index]->config.get();
}

// Stages wait for the client; a connection without any goes to its session at once.
bool has_stages(const config::Listener& listener) {
  using enum config::ListenerProtocol;
  return listener.protocol == https || listener.protocol == tls || listener.tls.has_value() ||
         listener.proxy_protocol != config::AcceptProxy::off;
}

// Sessions are tasks of their own, so that an idle connection holds nothing of its stages. They take `arrival` and
// `stream` over before they first suspend.
void start_session(OpenListener& open, worker::Arrival& arrival, net::TcpStream& stream) {
  // HTTP/2 without TLS is found by serve_h1, from its first bytes.
  using enum config::ListenerProtocol;
  const config::Listener* config = configuration(arrival.worker, arrival.listening);
  if (config != nullptr && (config->protocol == tcp || config->protocol == tls)) {
    open.sessions.spawn(serve_tcp(arrival, stream));
  } else if (arrival.facts.tls && arrival.facts.tls.protocol() == "h2") {
    open.sessions.spawn(serve_h2(arrival, stream));
  } else {
    open.sessions.spawn(serve_h1(arrival, stream));
  }
}

// The stages, in order. Each ends the connection itself when it fails. `listener` is of `snapshot`.
net::Task<void> pass_stages(const TlsMetrics& tls, OpenListener& open, worker::Arrival arrival, net::TcpStream stream,
                            worker::SnapshotRef snapshot, const config::Listener& listener) {
  base::Nanoseconds patience = listener.timeouts.header.value_or(snapshot->timeouts.header);
  if (listener.proxy_protocol != config::AcceptProxy::off) {
    bool trusted = exchange::is_trusted(arrival.facts.peer.ip, listener.trusted_proxies);
    bool read = co_await read_proxy_header(arrival, stream, listener.proxy_protocol, trusted, patience);
    if (!read) co_return;
  }
  if (!arrival.admit(listener)) co_return;
  bool ready = true;
  if (listener.protocol == config::ListenerProtocol::tls) {
    ready = co_await read_client_hello(arrival, stream, patience);
  } else if (listener.protocol == config::ListenerProtocol::https || listener.tls) {
    ready = co_await shake_hands(arrival, stream, tls);
  }
  if (ready) start_session(open, arrival, stream);
}

}  // namespace

void serve(worker::Worker& worker, const TlsMetrics& tls, OpenListener& open, int fd, const base::SocketAddress& peer) {
  worker::Listening& listening = open.listening;
  bool counted = false;
  try {
    net::TcpStream stream = net::TcpStream::adopt(fd);
    worker::Arrival arrival(worker, listening, {.peer = peer, .socket = fd});
    counted = true;  // by the arrival, until it ends
    const config::Listener* config = configuration(worker, listening);
    if (config != nullptr && has_stages(*config)) {
      open.stages.spawn(
          pass_stages(tls, open, std::move(arrival), std::move(stream), worker.snapshot_of(listening), *config));
    } else if (config == nullptr || arrival.admit(*config)) {
      start_session(open, arrival, stream);
    }
  } catch (const std::bad_alloc&) {
    // Whatever there was of the connection has closed it.
    if (!counted) listening.runtime->open.fetch_sub(1, std::memory_order_relaxed);
    listening.runtime->refuse(worker::Refusal::memory, worker.index, peer.ip, worker.reactor.now());
  }
}

}  // namespace weir::front
