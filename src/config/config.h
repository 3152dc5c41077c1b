// The whole configuration as plain values: what a file or the API may say, with defaults, and nothing that runs.
// Reading is in read.h, checking in validate.h, comparing in diff.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "config/grpc_statuses.h"
#include "config/passive.h"
#include "config/route.h"
#include "config/tls.h"
#include "config/values.h"

namespace weir::config {

struct Timeouts {
  std::optional<Duration> request;               // from a request's arrival to its response, all attempts together
  Duration header = std::chrono::seconds(10);    // from the first byte of a head to its last
  Duration body = std::chrono::seconds(60);      // between two pieces of a body, either way
  Duration idle = std::chrono::seconds(60);      // a kept-alive connection without a request
  Duration connect = std::chrono::seconds(2);    // opening a connection to a backend, each address
  Duration response = std::chrono::seconds(60);  // from the end of the request to the head of the response
  Duration queue = std::chrono::seconds(5);      // waiting for a connection of a backend at its max_connections
  Duration tunnel = std::chrono::hours(1);       // an upgraded connection or CONNECT tunnel without a byte
  std::optional<Duration> websocket;             // the same of a WebSocket; not there: as `tunnel`
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

enum class TokenRole : std::uint8_t { viewer, operator_, admin };
struct AdminToken {
  std::string name;
  TokenRole role = TokenRole::viewer;
  std::string sha256;  // 64 hex digits: the digest of the token
  friend bool operator==(const AdminToken&, const AdminToken&) = default;
};
struct Admin {
  std::string listen = "127.0.0.1:9090";  // or unix:/path
  std::vector<AdminToken> tokens;
  friend bool operator==(const Admin&, const Admin&) = default;
};

struct AccessLog {
  bool enabled = true;
  std::string path = "stdout";  // stdout, stderr or a file
  std::string format = "json";  // json, combined, or a template with %{field}
  friend bool operator==(const AccessLog&, const AccessLog&) = default;
};

struct Limits {
  std::uint32_t request_line_bytes = 8 * 1024;  // longer: 414
  std::uint32_t header_bytes = 16 * 1024;       // the whole head; longer: 431. At most 64 KB
  std::uint32_t header_count = 100;             // more: 431
  std::uint64_t body_bytes = 0;                 // longer: 413; 0 is without limit
  std::uint32_t connections = 0;                // open client connections of a listener; 0 is without limit
  // Open connections of one client: an IPv4 address, or the first 64 bits of an IPv6 address. 0 is without limit.
  std::uint32_t connections_per_client = 0;
  std::uint32_t connection_rate = 0;         // new connections a second of the listener
  std::uint32_t client_connection_rate = 0;  // of one client
  friend bool operator==(const Limits&, const Limits&) = default;
};

// The flows of a listener with protocol udp.
struct Udp {
  // Responses to each datagram of a client, after which its flow ends: 1 for DNS, 0 where nobody answers. None: not
  // known, and a flow ends by timeouts.idle.
  std::optional<std::uint32_t> expected_responses;
  std::uint32_t max_flows = 65'536;  // over all workers, each of which has an equal share
  std::uint32_t receive_buffer = 0;  // of the kernel, in bytes, each worker's; 0: its default
  std::uint32_t send_buffer = 0;
  friend bool operator==(const Udp&, const Udp&) = default;
};

// HTTP/2 to clients.
struct Http2 {
  bool enabled = false;                           // on a plain listener: clients may begin with it (prior knowledge)
  std::uint32_t max_streams = 128;                // requests at once on one connection
  std::uint32_t stream_window = 64 * 1024;        // bytes of a request body that may wait for their backend, at first
  std::uint32_t max_stream_window = 1024 * 1024;  // and once the backend keeps up
  std::uint32_t window_growth = 4 * 1024 * 1024;  // by which all windows of a connection may have grown
  std::uint32_t max_resets = 200;                 // requests cancelled early, in a burst; a tenth of them each second
  Duration max_connection_age{0};                 // then the client is asked to open a new one; 0: as the listener
  double max_connection_age_jitter = 0.1;         // share of the age, 0..0.5
  friend bool operator==(const Http2&, const Http2&) = default;
};

// A listening socket and the connections it takes.
struct SocketOptions {
  std::uint32_t backlog = 4096;    // finished handshakes that wait to be accepted
  bool reuse_port = true;          // a socket for each worker, between which the kernel spreads connections; else one
  std::uint32_t tcp_fastopen = 0;  // handshakes with data (RFC 7413) that may be under way; 0: none
  Duration defer_accept{0};        // a connection counts once its first bytes are there, or after this; 0: at once
  std::optional<Duration>
      tcp_keepalive;  // of silence before the peer is asked; 0: never. Default: 60 s for tcp and tls
  friend bool operator==(const SocketOptions&, const SocketOptions&) = default;
};

// The parts of a path that backends read in different ways; http/target.h says what becomes of them.
enum class EncodedSlash : std::uint8_t { refuse, decode, keep };
enum class PathParameters : std::uint8_t { ignore, keep, refuse };
struct Paths {
  bool merge_slashes = true;
  EncodedSlash encoded_slash = EncodedSlash::refuse;
  PathParameters parameters = PathParameters::ignore;
  friend bool operator==(const Paths&, const Paths&) = default;
};

// Further headers about the client that backends get.
struct Forward {
  bool real_ip = false;  // X-Real-IP: its address
  bool port = false;     // X-Forwarded-Port: the port that it connected to
  friend bool operator==(const Forward&, const Forward&) = default;
};

// PROXY headers in front of what comes from trusted_proxies.
enum class AcceptProxy : std::uint8_t { off, optional, required };
enum class ListenerProtocol : std::uint8_t { http, https, tcp, tls, udp };
struct Listener {
  std::string name;
  // host:port of an IP address, "*:port" for every address of both families; port may be a range "5000-5010". Several
  // are separated by commas.
  std::string address;
  ListenerProtocol protocol = ListenerProtocol::http;
  std::vector<Route> routes;
  std::string pool;  // what no route takes; empty: 404
  TimeoutOverrides timeouts;
  MinRate min_rate;
  Limits limits;
  Paths paths;
  Filters filters;
  Udp udp;
  SocketOptions socket;
  std::vector<base::Cidr> allow;  // clients that may connect; empty: all
  std::vector<base::Cidr> deny;   // clients that may not, whatever allow says
  AcceptProxy proxy_protocol = AcceptProxy::off;
  std::vector<base::Cidr> trusted_proxies;  // peers whose X-Forwarded-*, X-Request-Id and PROXY header are believed
  Forward forward;
  std::string via;  // pseudonym for Via; empty: none is added
  bool http_1_0_keep_alive = true;
  std::optional<ListenerTls> tls;
  // On an http listener: what no route takes is redirected to https on this port; 0: it is not. Only what a trusted
  // proxy took by https goes on to `pool`.
  std::uint16_t redirect_to_https = 0;
  Http2 http2;
  // Then an HTTP client is asked to open a new connection: by GOAWAY (http2.max_connection_age goes before it), or by
  // Connection: close with the next response. 0 is without limit.
  Duration max_connection_age{0};
  double max_connection_age_jitter = 0.1;  // share of the age, 0..0.5
  Origin origin;
  friend bool operator==(const Listener&, const Listener&) = default;
};

// How long a connection of the listener, or its other half to a backend, may be silent before the peer is asked; 0:
// without end.
inline Duration tcp_keepalive(const Listener& listener) {
  bool relays = listener.protocol == ListenerProtocol::tcp || listener.protocol == ListenerProtocol::tls;
  return listener.socket.tcp_keepalive.value_or(relays ? std::chrono::seconds(60) : Duration(0));
}

// ---- pools ------------------------------------------------------------------------------------------------------

struct Backend {
  std::string id;    // given, or "host:port"
  std::string host;  // an address or a name to resolve
  std::uint16_t port = 0;
  std::uint32_t weight = 1;           // 0..1000; 0 takes no new work
  std::uint32_t max_connections = 0;  // over all workers; 0 is without limit
  bool enabled = true;
  std::string health_check_path;            // overrides the pool's; empty: the pool's
  std::optional<std::uint16_t> agent_port;  // where its agent listens; not there: at the port of the pool's
  Origin origin;
  friend bool operator==(const Backend&, const Backend&) = default;
};

// The PROXY header in front of what goes to a backend.
enum class SendProxy : std::uint8_t { off, v1, v2, v2_checksum };

// The checker of a pool that chooses none, and the one that a path stands for where none is chosen.
inline constexpr std::string_view kUsualChecker = "tcp";
inline constexpr std::string_view kCheckerOfPaths = "http";

struct HealthCheck {
  Choice checker{.name = std::string(kUsualChecker),
                 .options = {}};  // type and the options of that checker (path, expected_status, ...)
  bool enabled = true;
  Duration interval = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(2);
  Duration fast_interval = std::chrono::seconds(1);  // while a state is changing; never above interval
  double jitter = 0.1;                               // share of the interval, 0..0.5
  std::uint32_t healthy_threshold = 2;
  std::uint32_t unhealthy_threshold = 3;
  std::uint16_t port = 0;                   // 0: the backend's own
  std::optional<SendProxy> proxy_protocol;  // not there: the pool's
  std::optional<PoolTls> tls;               // not there: the pool's
  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

// A program beside each backend that says how much work it wants (HAProxy's agent-check).
enum class AgentTransport : std::uint8_t { tcp, http };
struct Agent {
  std::uint16_t port = 0;
  Duration interval = std::chrono::seconds(2);
  std::optional<Duration> timeout;          // for a whole question; not there: the interval
  Duration ttl = std::chrono::seconds(10);  // its words hold so long without another one
  std::string send;                         // sent first, over TCP; in the form of byte_text.h
  AgentTransport transport = AgentTransport::tcp;
  std::string path = "/";  // asked for over HTTP
  friend bool operator==(const Agent&, const Agent&) = default;
};

struct Retries {
  std::uint32_t attempts = 2;       // further attempts after the first; 0 turns retries off
  double budget = 0.2;              // share of the pool's requests of the last 10 s that may be retries
  std::uint32_t budget_floor = 10;  // retries a 10 s window always allows
  friend bool operator==(const Retries&, const Retries&) = default;
};

struct UpstreamConnections {
  std::uint32_t max_idle = 1024;  // kept-alive idle connections per backend and worker
  Duration idle_timeout = std::chrono::seconds(60);
  std::uint32_t max_requests = 0;   // requests on one connection before it is closed; 0 is without limit
  std::uint32_t max_streams = 100;  // requests at once on one HTTP/2 connection
  std::uint32_t max_queue = 1024;   // exchanges waiting for a backend at its max_connections, per backend and worker
  friend bool operator==(const UpstreamConnections&, const UpstreamConnections&) = default;
};

// The method that `sticky_sessions: true` stands for.
inline constexpr std::string_view kUsualMethod = "cookie";

// How a client stays with its backend.
struct Sticky {
  Choice method;  // without a name: not at all
  bool is_on() const { return !method.name.empty(); }
  friend bool operator==(const Sticky&, const Sticky&) = default;
};

// The meaning of gRPC statuses for metrics and health.
struct Grpc {
  // Statuses that say nothing bad of the backend, by name; all others count as its failures. Empty: the usual ones.
  std::vector<std::string> fine_statuses;
  std::uint32_t fine_mask = kFineGrpcStatuses;  // the same, a bit for each code
  friend bool operator==(const Grpc&, const Grpc&) = default;
};

// The protocol to the backends; `automatic` is by ALPN, or the protocol of the client.
enum class PoolProtocol : std::uint8_t { http_1_1, h2, automatic };
// The strategy of a pool that chooses none.
inline constexpr std::string_view kUsualAlgorithm = "weighted_round_robin";

struct Pool {
  std::string name;
  PoolProtocol protocol = PoolProtocol::http_1_1;
  std::optional<PoolTls> tls;
  Choice algorithm{.name = std::string(kUsualAlgorithm), .options = {}};
  HealthCheck health_check;
  std::optional<Agent> agent;
  Passive passive;
  std::uint32_t min_healthy = 0;  // fewer healthy ones than this: unhealthy and ejected ones are used again
  Duration slow_start{0};
  Duration drain_timeout = std::chrono::seconds(300);
  Retries retries;
  UpstreamConnections connections;
  TimeoutOverrides timeouts;
  Sticky sticky;
  Grpc grpc;
  SendProxy proxy_protocol = SendProxy::off;
  bool transparent = false;  // connections to the backends come from the client's address (IP_TRANSPARENT)
  std::vector<Backend> backends;
  Origin origin;
  friend bool operator==(const Pool&, const Pool&) = default;
};

// The rules of TLS that probes of the pool's backends follow; null: they speak none.
inline const PoolTls* tls_of_probes(const Pool& pool) {
  const std::optional<PoolTls>& tls = pool.health_check.tls ? pool.health_check.tls : pool.tls;
  return tls && tls->enabled ? &*tls : nullptr;
}

// The secret that signs sticky cookies: at most one of the two. Without it, a key that Weir makes and stores.
struct StickySecret {
  std::optional<std::string> value;
  std::optional<std::string> file;
  friend bool operator==(const StickySecret&, const StickySecret&) = default;
};

struct Config {
  std::uint32_t workers = 0;          // 0: number of cores
  std::uint32_t max_connections = 0;  // of clients of TCP and HTTP; 0: as many as descriptors allow
  Admin admin;
  Choice store{.name = "memory", .options = {}};
  AccessLog access_log;
  Timeouts timeouts;
  StickySecret sticky_secret;
  Duration drain_timeout = std::chrono::seconds(300);  // of Weir itself on SIGTERM
  std::string log_level = "info";                      // debug info warning error
  Tls tls;
  std::vector<Certificate> certificates;
  std::vector<Listener> listeners;
  std::vector<Pool> pools;
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace weir::config
