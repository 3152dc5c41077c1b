// Rules for a pool and its backends.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unordered_map>

#include "base/text.h"
#include "config/byte_text.h"
#include "config/checks.h"
#include "config/json.h"
#include "config/reader.h"

namespace weir::config {
namespace {

bool is_id(std::string_view id) {
  auto allowed = [](char c) {
    char lower = base::ascii_lower(c);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') ||
           std::string_view("._-:[]~").find(c) != std::string_view::npos;
  };
  // "." and ".." are no segment of a path (RFC 3986 5.2.4): the API could not be asked for such a backend.
  return !id.empty() && id.size() <= 320 && id != "." && id != ".." && std::ranges::all_of(id, allowed);
}

void check_health(const Place& place, const HealthCheck& health) {
  if (!health.enabled) return;
  const HealthCheck standard;
  if (health.fast_interval > health.interval && health.fast_interval == standard.fast_interval) {
    place.fault("interval", fmt::format("{} is shorter than fast_interval, which is {} by default; set fast_interval "
                                        "as well, to at most {}",
                                        duration_text(health.interval), duration_text(health.fast_interval),
                                        duration_text(health.interval)));
  } else if (health.fast_interval > health.interval) {
    place.fault("fast_interval", fmt::format("{} is longer than interval ({}); it must not be",
                                             duration_text(health.fast_interval), duration_text(health.interval)));
  }
  if (health.timeout > health.interval && health.timeout == standard.timeout) {
    place.fault(
        "interval",
        fmt::format("{} is shorter than timeout, which is {} by default: probes would overlap; set timeout as "
                    "well, to at most {}",
                    duration_text(health.interval), duration_text(health.timeout), duration_text(health.interval)));
  } else if (health.timeout > health.interval) {
    place.fault("timeout", fmt::format("{} is longer than interval ({}); probes would overlap",
                                       duration_text(health.timeout), duration_text(health.interval)));
  }
}

void check_agent(const Place& place, const Agent& agent) {
  Duration timeout = agent.timeout.value_or(agent.interval);
  if (timeout > agent.interval) {
    place.fault("timeout", fmt::format("{} is longer than interval ({}); questions would overlap",
                                       duration_text(timeout), duration_text(agent.interval)));
  }
  if (agent.ttl < agent.interval) {
    place.fault("ttl", fmt::format("{} is shorter than interval ({}): words would be forgotten before the next ones",
                                   duration_text(agent.ttl), duration_text(agent.interval)));
  }
  if (base::Checked<std::string> bytes = bytes_of_text(agent.send); !bytes) place.fault("send", bytes.error());
  bool is_http = agent.transport == AgentTransport::http;
  if (is_http && !agent.send.empty()) place.fault("send", "is for `transport: tcp`; over HTTP `path` is asked for");
  bool is_path =
      agent.path.starts_with('/') && !has_control_bytes(agent.path) && agent.path.find(' ') == std::string::npos;
  if (!is_path) {
    place.fault("path", fmt::format("must begin with '/' and have no spaces, not {}", quoted(agent.path)));
  } else if (!is_http && agent.path != Agent().path) {
    place.fault("path", "is for `transport: http`");
  }
}

void check_passive(const Place& place, const Passive& passive) {
  const EjectionTimes& times = passive.ejection;
  if (times.base > times.max) {
    place.fault("ejection.base", fmt::format("{} is longer than ejection.max ({}); it must not be",
                                             duration_text(times.base), duration_text(times.max)));
  }
  if (passive.window % std::chrono::seconds(1) != Duration(0)) {
    place.fault("window", fmt::format("must be whole seconds, not {}", duration_text(passive.window)));
  }
}

}  // namespace

void check_backend(const Place& place, const Backend& backend) {
  // A host of digits and dots is meant as an address: 10.0.0.300 is a typing error, not a name.
  bool numeric = backend.host.find_first_not_of("0123456789.") == std::string::npos;
  if (!base::IpAddress::parse(backend.host) && (numeric || !is_host_name(backend.host))) {
    place.fault("host", fmt::format("{} is neither an IP address nor a host name{}", quoted(backend.host),
                                    address_hint(backend.host)));
  } else if (!is_id(backend.id)) {  // without an own one it is made of the host
    place.fault("id", fmt::format("must be letters, digits and any of . _ - : [ ] ~, and neither . nor .., not {}",
                                  quoted(backend.id)));
  }
  if (backend.port == 0) place.fault("port", "must be from 1 to 65535");
  if (backend.weight > 1000) place.fault("weight", "must be from 0 to 1000");
  const std::string& path = backend.health_check_path;
  if (!path.empty() && (path.front() != '/' || has_control_bytes(path) || path.find(' ') != std::string::npos)) {
    place.fault("health_check_path", fmt::format("must begin with '/' and have no spaces, not {}", quoted(path)));
  }
}

void check_pool(const Place& place, const Pool& pool) {
  check_name(place, "name", pool.name);
  for (std::size_t i = 0; i < pool.grpc.fine_statuses.size(); ++i) {
    const std::string& status = pool.grpc.fine_statuses[i];
    if (std::ranges::find(kGrpcStatuses, status) != kGrpcStatuses.end()) continue;
    place.fault(fmt::format("grpc.fine_statuses[{}]", i),
                fmt::format("{} is no gRPC status; known are {}", quoted(status), fmt::join(kGrpcStatuses, ", ")));
  }
  if (pool.tls && pool.tls->enabled) check_tls(place.in("tls", nullptr), *pool.tls, pool.protocol);
  // Connections of HTTP/2 are shared by many clients, of whom these could tell only one.
  bool shared = pool.protocol != PoolProtocol::http_1_1;
  if (shared && pool.proxy_protocol != SendProxy::off) {
    place.fault("proxy_protocol", "needs `protocol: http/1.1`: HTTP/2 connections are shared between clients");
  }
  if (shared && pool.transparent) {
    place.fault("transparent", "needs `protocol: http/1.1`: HTTP/2 connections are shared between clients");
  }
  check_health(place.in("health_check", nullptr), pool.health_check);
  if (pool.agent) check_agent(place.in("agent", nullptr), *pool.agent);
  if (pool.health_check.tls && pool.health_check.tls->enabled) {
    check_tls(place.in("health_check.tls", nullptr), *pool.health_check.tls, pool.protocol);
  }
  check_passive(place.in("passive", nullptr), pool.passive);

  std::unordered_map<std::string_view, std::size_t> ids;
  std::unordered_map<std::string, std::size_t> addresses;
  for (std::size_t i = 0; i < pool.backends.size(); ++i) {
    const Backend& backend = pool.backends[i];
    Place at = place.in(fmt::format("backends[{}]", i), &backend.origin);
    check_backend(at, backend);
    if (backend.host.empty() || backend.port == 0) continue;  // reported already
    auto [same_address, new_address] =
        addresses.try_emplace(fmt::format("[{}]:{}", base::to_lower(backend.host), backend.port), i);
    if (!new_address) {
      at.fault("", fmt::format("the pool has {}:{} already (backends[{}]); give it more weight instead", backend.host,
                               backend.port, same_address->second));
      ids.try_emplace(backend.id, i);
    } else if (auto [same_id, new_id] = ids.try_emplace(backend.id, i); !new_id) {
      at.fault("id", fmt::format("backends[{}] of this pool has the id '{}' already", same_id->second, backend.id));
    }
  }
}

}  // namespace weir::config
