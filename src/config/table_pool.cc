// Pools and what belongs to them: health check, retries, connections.
#include <array>

#include "config/codecs.h"
#include "config/sticky_fields.h"

namespace weir::config {
namespace {

constexpr Rules kTimeout{.min = kMinTimeoutMs, .max = kMaxTimeoutMs};

constexpr std::array kHealthCheckFields{
    field<&HealthCheck::enabled>("enabled", "probe the backends; false: every enabled backend counts as healthy"),
    field<&HealthCheck::interval>("interval", "between two probes of a backend", {.min = 10, .max = kMaxTimeoutMs}),
    field<&HealthCheck::timeout>("timeout", "for a whole probe; not above interval", kTimeout),
    field<&HealthCheck::fast_interval>("fast_interval",
                                       "while a state is changing or first probes fail; not above interval",
                                       {.min = 10, .max = kMaxTimeoutMs}),
    field<&HealthCheck::jitter>("jitter", "share of the interval by which probes are spread",
                                {.max = 0.5, .unit = Unit::share}),
    field<&HealthCheck::healthy_threshold>("healthy_threshold", "good probes in a row that make a backend healthy",
                                           {.min = 1, .max = 1000}),
    field<&HealthCheck::unhealthy_threshold>("unhealthy_threshold", "bad probes in a row that make it unhealthy",
                                             {.min = 1, .max = 1000}),
    field<&HealthCheck::port>("port", "where to probe; 0: the backend's own port"),
    field<&HealthCheck::proxy_protocol>("proxy_protocol",
                                        "the PROXY header in front of probes; when not set, that of the pool"),
    field<&HealthCheck::tls>("tls", "TLS of probes: true, off, or a map; when not set, that of the pool"),
};

constexpr std::array kAgentFields{
    field<&Agent::port>("port", "where the agents listen, at the addresses of the backends",
                        {.min = 1, .required = true}),
    field<&Agent::interval>("interval", "between two questions to an agent", {.min = 10, .max = kMaxTimeoutMs}),
    field<&Agent::timeout>("timeout", "for a whole question; not above interval, which is the default", kTimeout),
    field<&Agent::ttl>("ttl", "an agent's words are forgotten after so long without another one", kTimeout),
    field<&Agent::send>("send", "bytes to send first, over TCP: text with the escapes of the checker tcp"),
    field<&Agent::transport>("transport", "how agents are asked"),
    field<&Agent::path>("path", "asked for over HTTP"),
};

constexpr std::array kRetryFields{
    field<&Retries::attempts>("attempts", "further attempts after the first; 0 turns retries off", {.max = 10}),
    field<&Retries::budget>("budget", "share of the requests of the last 10 s that may be retries",
                            {.max = 1, .unit = Unit::share}),
    field<&Retries::budget_floor>("budget_floor", "retries that 10 s always allow", {.max = 1'000'000}),
};

constexpr std::array kConnectionFields{
    field<&UpstreamConnections::max_idle>("max_idle", "kept-alive idle connections per backend and worker",
                                          {.max = 100'000}),
    field<&UpstreamConnections::idle_timeout>("idle_timeout", "an idle connection is closed after this", kTimeout),
    field<&UpstreamConnections::max_requests>("max_requests", "requests on one connection; 0 is without limit"),
    field<&UpstreamConnections::max_streams>("max_streams", "requests at once on one HTTP/2 connection",
                                             {.min = 1, .max = 10'000}),
    field<&UpstreamConnections::max_queue>("max_queue", "requests waiting for a backend at its max_connections",
                                           {.max = 1'000'000}),
};

// TLS to backends is a key of its own.
constexpr Field protocol_field() {
  Field made = field<&Pool::protocol>("protocol", "what is spoken to the backends");
  made.read = [](Reader& reader, const Node& node, void* object, const Field& self) {
    if (node.is_scalar() && (node.scalar == "https" || node.scalar == "tls")) {
      reader.fault(node, fmt::format("{} is no protocol of a pool; use `tls: true`", quoted(node.scalar)));
      return;
    }
    Codec<PoolProtocol>::read(reader, node, static_cast<Pool*>(object)->protocol, self);
  };
  return made;
}

constexpr std::array kGrpcFields{
    field<&Grpc::fine_statuses>("fine_statuses", "gRPC statuses that are no failure of the backend, by name"),
};

constexpr std::array kPoolFields{
    field<&Pool::name>("name", "what routes and the API call it", {.required = true}),
    protocol_field(),
    field<&Pool::tls>("tls", "TLS to the backends: true, or a map"),
    field<&Pool::algorithm>("algorithm", "how a backend is picked", {.kind = "strategies"}),
    field<&Pool::health_check>("health_check", "active probes"),
    field<&Pool::agent>("agent", "agents beside the backends that say how much work these want; a port, or a map"),
    field<&Pool::passive>("passive", "passive checks: backends whose traffic fails are ejected"),
    field<&Pool::min_healthy>("min_healthy", "with fewer healthy backends, unhealthy and ejected ones are used again"),
    field<&Pool::slow_start>("slow_start", "over which a recovered backend's share grows to its full weight",
                             {.max = kMaxTimeoutMs}),
    field<&Pool::drain_timeout>("drain_timeout", "how long work may go on at a draining backend",
                                {.max = kMaxTimeoutMs}),
    field<&Pool::retries>("retries", "another attempt when the first cannot have done anything"),
    field<&Pool::connections>("connections", "connections to the backends"),
    field<&Pool::timeouts>("timeouts", "timeouts that differ here"),
    field<&Pool::grpc>("grpc", "what a gRPC status means"),
    sticky_field(),
    sticky_sessions_field(),
    sticky_ttl_field(),
    field<&Pool::proxy_protocol>("proxy_protocol",
                                 "the PROXY header that tells backends who the client is; connections are not shared "
                                 "between clients then"),
    field<&Pool::transparent>("transparent",
                              "connect from the client's own address (IP_TRANSPARENT); needs CAP_NET_ADMIN and "
                              "backends that answer by way of this machine"),
    field<&Pool::backends>("backends", "the backends; each a map or host:port"),
    origin_field<Pool>(),
    warnings_field(),
};

// A checker that is about TLS speaks it also where neither pool nor check say how; others may speak none.
void finish_check(Reader& reader, const Node& node, Pool& pool) {
  HealthCheck& check = pool.health_check;
  const KindEntry* checker = find_entry(reader.kinds()["checkers"].entries, check.checker.name);
  if (checker == nullptr || !check.enabled) return;
  bool is_on = check.tls && check.tls->enabled;
  const Node* written = node.find("health_check");
  Reader::In in(reader, "health_check");
  if (checker->traits.needs_tls) {
    bool has_rules = check.tls || (pool.tls && pool.tls->enabled);
    if (!has_rules) check.tls = PoolTls{};
    if (check.tls && !check.tls->enabled && written != nullptr) {
      reader.fault(*written, fmt::format("`tls` is off, which `type: {}` is about", checker->name));
    }
  } else if (is_on && written != nullptr && (checker->traits.over_udp || checker->traits.runs_program)) {
    reader.fault(*written, fmt::format("`tls` is for probes over TCP, which `type: {}` does not make", checker->name));
  }
}

void finish_pool(Reader& reader, const Node& node, void* object) {
  finish_check(reader, node, *static_cast<Pool*>(object));
  read_stickiness(reader, node, object);
}

constexpr std::array kRefused{
    RefusedKey{"timeout", "unknown key 'timeout'; write `timeouts: {response: ...}`"},
};

}  // namespace

template <>
std::span<const std::string_view> value_names<PoolProtocol>() {
  static constexpr std::array<std::string_view, 3> kNames{"http/1.1", "h2", "auto"};
  return kNames;
}

template <>
std::span<const std::string_view> value_names<SendProxy>() {
  static constexpr std::array<std::string_view, 4> kNames{"off", "v1", "v2", "v2_checksum"};
  return kNames;
}

template <>
const Resource& resource<HealthCheck>() {
  static constexpr Resource kResource{
      .name = "health_check",
      .summary =
          "active probes: these keys, `type`, and the options of that type; or off. Without `type` an option of "
          "http, such as `path`, makes it http, else it is tcp",
      .fields = kHealthCheckFields,
      .short_key = "type",
      .off_key = "enabled",
      .choice = [](void* object) { return &static_cast<HealthCheck*>(object)->checker; },
      .kind = "checkers",
      .implied_type = kCheckerOfPaths,
      .defaults = defaults_of<HealthCheck>};
  return kResource;
}

template <>
std::span<const std::string_view> value_names<AgentTransport>() {
  static constexpr std::array<std::string_view, 2> kNames{"tcp", "http"};
  return kNames;
}

template <>
const Resource& resource<Agent>() {
  static constexpr Resource kResource{.name = "agent",
                                      .summary = "agents beside the backends that say how much work these want",
                                      .fields = kAgentFields,
                                      .short_key = "port",
                                      .defaults = defaults_of<Agent>};
  return kResource;
}

template <>
const Resource& resource<Retries>() {
  static constexpr Resource kResource{.name = "retries",
                                      .summary = "when and how often another attempt is made",
                                      .fields = kRetryFields,
                                      .short_key = "attempts",
                                      .defaults = defaults_of<Retries>};
  return kResource;
}

template <>
const Resource& resource<UpstreamConnections>() {
  static constexpr Resource kResource{.name = "connections",
                                      .summary = "connections to the backends",
                                      .fields = kConnectionFields,
                                      .defaults = defaults_of<UpstreamConnections>};
  return kResource;
}

template <>
const Resource& resource<Grpc>() {
  static constexpr Resource kResource{.name = "grpc",
                                      .summary = "what a gRPC status means",
                                      .fields = kGrpcFields,
                                      .defaults = defaults_of<Grpc>,
                                      .finish = [](Reader&, const Node&, void* object) {
                                        auto& grpc = *static_cast<Grpc*>(object);
                                        if (grpc.fine_statuses.empty()) return;
                                        grpc.fine_mask = 0;
                                        for (std::size_t code = 0; code < kGrpcStatuses.size(); ++code) {
                                          for (const std::string& name : grpc.fine_statuses)
                                            grpc.fine_mask |= unsigned{name == kGrpcStatuses[code]} << code;
                                        }
                                      }};
  return kResource;
}

template <>
const Resource& resource<Pool>() {
  static constexpr Resource kResource{.name = "pool",
                                      .summary = "backends that serve the same traffic",
                                      .fields = kPoolFields,
                                      .refused = kRefused,
                                      .takes_notes = true,
                                      .defaults = defaults_of<Pool>,
                                      .finish = finish_pool};
  return kResource;
}

}  // namespace weir::config
