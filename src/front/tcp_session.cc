#include "front/tcp_session.h"

#include <new>
#include <sys/socket.h>

#include "front/linger.h"
#include "metrics/families.h"
#include "net/keep_alive.h"
#include "relay/relay.h"
#include "upstream/connections.h"
#include "worker/backend_tries.h"
#include "worker/proxy_preamble.h"
#include "worker/termination.h"
#include "worker/timeouts.h"
#include "worker/tls_facts.h"

namespace weir::front {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Of the pool, where it says so, or the listener, or for everything.
struct RelayTimeouts {
  base::Nanoseconds connect{0};
  base::Nanoseconds queue{0};
  base::Nanoseconds idle{0};
  std::chrono::seconds keepalive{0};  // until the first probe of a silent backend
};

// The last try of a backend.
struct TryTimes {
  base::TimePoint started;
  base::Nanoseconds queue{0};     // until there was a connection
  base::Nanoseconds upstream{0};  // to the backend's first byte
};

// The bytes that a relay has carried.
struct Carried {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::optional<Side> finished_first;
};

// The steps of a connection are in run(), in their order. Lives in the frame of its session.
class TcpSession final : private relay::FirstByteObserver {
 public:
  explicit TcpSession(worker::TcpConnection& client)
      : client_(client), worker_(client.worker), tries_(client.worker), started_(worker_.reactor.now()) {}
  ~TcpSession();
  TcpSession(const TcpSession&) = delete;
  TcpSession& operator=(const TcpSession&) = delete;

  net::Task<void> run();

 private:
  base::Result<void> find_pool();
  void refuse_name();
  net::Task<base::Result<void>> connect();
  net::Task<base::Result<void>> attempt();
  net::Task<base::Result<void>> relay();
  void on_first_byte(base::TimePoint asked, base::TimePoint now) override;
  bool backend_said_all(const base::Result<void>& outcome) const;
  void finish(const base::Result<void>& outcome);
  struct Ending {
    worker::Termination how;
    std::string detail;  // empty: nothing failed
  };
  Ending ending_of(const base::Result<void>& outcome) const;
  Error attributed(Error error) const;
  void count(worker::Termination how);
  void log(const Ending& ending);

  worker::TcpConnection& client_;
  worker::Worker& worker_;
  // A relay may last for days: it holds its pool, not the whole snapshot.
  std::shared_ptr<const worker::PoolSnapshot> pool_;
  worker::BackendTries tries_;
  upstream::Lease lease_;
  base::TimePoint started_;
  RelayTimeouts timeouts_;
  TryTimes try_;
  net::LateKeepAlive late_keep_alive_;  // of the backend's connection
  Carried carried_;
  std::string route_;  // of a tls listener
  bool name_refused_ = false;
};

// The control thread tears down what may be a large pool.
TcpSession::~TcpSession() {
  tries_.end({});  // for lack of memory it may be under way: its pool goes before it
  if (pool_.use_count() != 1 || worker_.services.control == nullptr) return;
  try {
    worker_.services.control->post([old = std::move(pool_)]() mutable { old.reset(); });
  } catch (const std::bad_alloc&) {
    // Then it went here.
  }
}

// The whole way of a connection.
net::Task<void> TcpSession::run() {
  base::Result<void> outcome = find_pool();
  if (outcome) outcome = co_await connect();
  if (outcome) outcome = co_await relay();
  bool said_all = backend_said_all(outcome);
  if (said_all) outcome = {};
  finish(outcome);
  // The hello of a refused name was only looked at: closing with it unread would reset the connection.
  if (said_all || name_refused_) co_await linger(client_);
}

// A backend that has ended in order and refuses what the client still sends: nothing of what it said may be lost for
// that.
bool TcpSession::backend_said_all(const base::Result<void>& outcome) const {
  if (outcome || carried_.finished_first != Side::backend || lease_.was_cut()) return false;
  return outcome.error().code == ErrorCode::reset && outcome.error().side == Side::backend;
}

base::Result<void> TcpSession::find_pool() {
  std::uint32_t index = client_.listening.index;
  if (index == UINT32_MAX) return base::fail(ErrorCode::no_backend, "the listener is not ready yet");
  const worker::Snapshot& snapshot = *worker_.snapshot_of(client_.listening);
  const worker::ListenerSnapshot& listener = *snapshot.listeners[index];
  const std::vector<std::uint32_t>& pools = snapshot.pool_of_route[index];
  std::uint32_t pool = pools.back();
  const net::ClientHello* hello = client_.facts.hello();
  if (listener.names && hello != nullptr) {
    std::uint32_t route = listener.names->find(hello->server_name, hello->alpn, client_.facts.peer.ip);
    if (route != route::kNoRoute) {
      pool = pools[route];
      route_ = listener.config->routes[route].name;
    }
  }
  if (pool == worker::kNoPool) {
    if (hello != nullptr) refuse_name();
    Error error{.code = ErrorCode::not_found, .side = Side::client, .what = "no route takes the server name"};
    return std::unexpected(error);
  }
  pool_ = snapshot.pools[pool];
  tries_.use(*pool_, worker::Carried::connection);
  worker::TimeoutScopes timeouts{.pool = &pool_->config->timeouts,
                                 .listener = &snapshot.listeners[index]->config->timeouts,
                                 .global = &snapshot.timeouts};
  timeouts_.connect = timeouts.connect();
  timeouts_.queue = timeouts.queue();
  timeouts_.idle = timeouts.tunnel();
  timeouts_.keepalive = std::chrono::ceil<std::chrono::seconds>(config::tcp_keepalive(*listener.config));
  return {};
}

// RFC 6066 3: unrecognized_name, so that the client can tell its user more than that the connection broke.
void TcpSession::refuse_name() {
  name_refused_ = true;
  constexpr std::string_view kAlert("\x15\x03\x03\x00\x02\x02\x70", 7);
  // It fits into the empty buffer of the socket; a client that is gone needs none.
  static_cast<void>(::send(client_.stream.fd(), kAlert.data(), kAlert.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

// Tries backends until one took the connection, or nothing more may be tried. Nothing was exchanged until then.
net::Task<base::Result<void>> TcpSession::connect() {
  pool_->runtime->retry_budget.count_request(worker_.index, started_);
  net::TaskContext& context = co_await net::this_context();
  client_.stream.cancel_when_broken(&context);
  std::uint64_t key_hash = client_.facts.peer.ip.hash();
  base::Result<void> outcome;
  do {
    std::uint32_t index = tries_.pick_for_client(key_hash);
    if (index == balance::kNone) {
      outcome = std::unexpected(tries_.none_is_eligible());
      break;
    }
    tries_.begin(index);
    try_.started = worker_.reactor.now();
    outcome = co_await attempt();
    if (outcome || outcome.error().side == Side::backend) tries_.reached();
    if (!outcome) tries_.end(worker::TryOutcome::of(outcome.error()));
  } while (!outcome && tries_.retry(outcome.error(), {}));
  client_.stream.cancel_when_broken(nullptr);
  co_return outcome;
}

net::Task<base::Result<void>> TcpSession::attempt() {
  upstream::AcquireOptions options{.backend = &tries_.entry(),
                                   .settings = &pool_->config->connections,
                                   .connect_timeout = timeouts_.connect,
                                   .queue_timeout = timeouts_.queue,
                                   .metrics = &pool_->runtime->connections,
                                   .tls = &pool_->tls,
                                   .fresh = true,
                                   .unshared = true};
  const config::Pool& pool = *pool_->config;
  base::Arena arena;
  std::string preamble;
  if (pool.proxy_protocol != config::SendProxy::off) {
    preamble = worker::proxy_preamble(pool.proxy_protocol, client_.facts, worker_.request_ids.make(arena));
    options.preamble = preamble;
  }
  if (pool.transparent) options.source = &client_.facts.peer.ip;
  base::Result<upstream::Lease> acquired = co_await worker_.links.connections().acquire(options);
  try_.queue = worker_.reactor.now() - try_.started;
  if (!acquired) {
    Error error = worker::naming_connect_timeout(acquired.error());
    if (error.side == Side::backend) tries_.connect_failed(error);
    error.retry_helps = true;  // nothing was said to the backend
    co_return std::unexpected(error);
  }
  lease_ = std::move(*acquired);
  late_keep_alive_.start(lease_.stream().fd(), timeouts_.keepalive);
  tries_.connected();
  co_return base::Result<void>();
}

net::Task<base::Result<void>> TcpSession::relay() {
  relay::RelayCounters counters{.from_client = worker_.services.client_bytes_in,
                                .to_backend = worker_.services.backend_bytes_out,
                                .from_backend = worker_.services.backend_bytes_in,
                                .to_client = worker_.services.client_bytes_out,
                                .worker = worker_.index};
  relay::Relay relay(client_.stream, lease_.stream(), timeouts_.idle, &counters, this);
  net::TaskContext& context = co_await net::this_context();
  lease_.cancel_when_cut(&context);
  base::Result<void> outcome = co_await relay.run();
  lease_.cancel_when_cut(nullptr);
  carried_ = {.bytes_in = relay.bytes_from_client(),
              .bytes_out = relay.bytes_from_backend(),
              .finished_first = relay.finished_first()};
  co_return outcome;
}

// The backend's time to its first byte: that of connecting, and from there on, or from what the client said last. What
// the client takes to say something is not the backend's.
void TcpSession::on_first_byte(base::TimePoint asked, base::TimePoint now) {
  try_.upstream = try_.queue + (now - std::max(asked, try_.started + try_.queue));
  pool_->runtime->upstream_duration.observe(worker_.index, static_cast<std::uint64_t>(try_.upstream.count()));
  tries_.responded(try_.upstream);
}

// A connection that broke on one side breaks on the other: an orderly end would tell of a stream that is whole.
void TcpSession::finish(const base::Result<void>& outcome) {
  bool reset = !outcome && outcome.error().code == ErrorCode::reset;
  Ending ending = ending_of(outcome);
  if (lease_) {
    bool failed = reset && outcome.error().side == Side::backend;
    tries_.end({.how = failed ? worker::TryOutcome::How::failed : worker::TryOutcome::How::answered,
                .latency = try_.upstream,
                .error = failed ? outcome.error() : Error{}});
    if (reset && outcome.error().side == Side::client) lease_.stream().abort();
    late_keep_alive_.stop();
    lease_.close();
  }
  if (reset && outcome.error().side == Side::backend) client_.stream.abort();
  count(ending.how);
  log(ending);
}

// `error` with the side whose doing it was, where the wait that it ended cannot know.
Error TcpSession::attributed(Error error) const {
  if (error.code != ErrorCode::cancelled) return error;
  if (!lease_ && client_.stream.is_broken()) {
    return {.code = error.code, .side = Side::client, .what = "the client reset the connection"};
  }
  return {.code = error.code, .side = Side::ours, .what = worker::kListenerDrained};
}

TcpSession::Ending TcpSession::ending_of(const base::Result<void>& outcome) const {
  if (lease_ && lease_.was_cut()) return {worker::Termination::backend_drained, worker::kBackendDrained};
  if (outcome) {
    return {carried_.finished_first == Side::client ? worker::Termination::client_closed
                                                    : worker::Termination::backend_closed,
            {}};
  }
  Error error = attributed(outcome.error());
  if (lease_) error = worker::naming_timeout(error, "nothing moved within timeouts.tunnel");
  bool no_route = error.code == ErrorCode::not_found && error.side == Side::client;
  bool idle = lease_ && error.side == Side::ours && error.code == ErrorCode::timeout;
  return {no_route ? worker::Termination::no_route
          : idle   ? worker::Termination::idle_timeout
                   : worker::termination(error),
          base::cause(error)};
}

void TcpSession::count(worker::Termination how) {
  const pool::Backend* backend = tries_.has_backend() ? &tries_.backend() : nullptr;
  metrics::CellKey key{.listener = client_.listening.runtime->id,
                       .route = 0,
                       .backend = backend != nullptr ? backend->slot() : metrics::CellKey::kNoBackend,
                       .code = static_cast<std::uint32_t>(how)};
  metrics::Counter ended =
      worker_.counters.relayed.find(worker_.snapshot()->version, key, [&](const metrics::CellKey&) {
        return worker_.services.registry->counter(
            metrics::families::kRelayedConnections,
            {client_.listening.runtime->name, pool_ ? std::string_view(pool_->config->name) : std::string_view(),
             backend != nullptr ? std::string_view(backend->id()) : std::string_view(), name(how)});
      });
  ended.add(worker_.index);
}

void TcpSession::log(const Ending& ending) {
  access_log::Log* log = worker_.services.access_log.load(std::memory_order_acquire);
  if (log == nullptr) return;
  base::Nanoseconds duration = worker_.reactor.now() - started_;
  std::string client = client_.facts.peer.ip.to_string();
  access_log::Record record;
  record.unix_ms = worker_.unix_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  record.client = client;
  record.client_port = client_.facts.peer.port;
  const net::ClientHello* hello = client_.facts.hello();
  record.version = hello != nullptr ? "TLS" : "TCP";
  if (hello != nullptr) record.host = hello->server_name;
  if (client_.facts.tls) record.host = client_.facts.tls.server_name();
  std::optional<access_log::TlsRecord> tls = worker::tls_record(client_.facts);
  if (tls) record.tls = &*tls;
  record.route = route_;
  record.bytes_in = carried_.bytes_in;
  record.bytes_out = carried_.bytes_out;
  record.duration = duration;
  record.upstream = try_.upstream;
  record.queue = try_.queue;
  record.listener = client_.listening.runtime->name;
  if (pool_) record.pool = pool_->config->name;
  if (tries_.has_backend()) record.backend = tries_.backend().id();
  record.attempts = tries_.tries();
  record.termination = name(ending.how);
  record.detail = ending.detail;
  log->write(worker_.index, record);
}

}  // namespace

net::Task<void> serve_tcp(worker::Arrival& arrival, net::TcpStream& stream) {
  worker::TcpConnection client(std::move(arrival), std::move(stream));
  client.stage = worker::Stage::working;
  TcpSession session(client);
  co_await session.run();
}

}  // namespace weir::front
