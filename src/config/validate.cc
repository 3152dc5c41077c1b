#include "config/validate.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "config/access_log_fields.h"
#include "config/checks.h"
#include "config/contains.h"
#include "config/json.h"
#include "config/listen_address.h"
#include "config/reader.h"

namespace weir::config {
namespace {

std::string where(const Origin& origin) {
  if (origin.line > 0) return fmt::format("{}:{}", origin.file, origin.line);
  return origin.from_api() ? "made through the API" : origin.file;
}

// Names in use, with the first object that has each.
class Names {
 public:
  explicit Names(std::string_view kind) : kind_(kind) {}
  void add(const Place& place, const std::string& name, const Origin& origin) {
    if (name.empty()) return;
    auto [earlier, is_new] = seen_.try_emplace(name, &origin);
    if (!is_new) {
      place.fault("name", fmt::format("another {} is called '{}' ({}); names of {}s must differ", kind_, name,
                                      where(*earlier->second), kind_));
    }
  }

 private:
  std::string_view kind_;
  std::unordered_map<std::string_view, const Origin*> seen_;
};

void check_admin(const Place& root, const Admin& admin) {
  constexpr std::string_view kUnix = "unix:";
  if (admin.listen.starts_with(kUnix)) {
    if (!admin.listen.substr(kUnix.size()).starts_with('/') || admin.listen.size() > kUnix.size() + 107) {
      root.fault("admin.listen",
                 "must be unix: and an absolute path of at most 107 bytes, such as unix:/run/weir.sock");
    }
  } else if (auto address = base::SocketAddress::parse(admin.listen)) {
    if (!address->ip.is_loopback() && admin.tokens.empty()) {
      root.fault("admin.listen",
                 fmt::format("'{}' is not a loopback address and there are no tokens: anyone could change the "
                             "configuration; listen on 127.0.0.1 or a unix: path, or add admin.tokens",
                             admin.listen));
    }
  } else {
    root.fault("admin.listen", fmt::format("{} is no address; write ip:port such as 127.0.0.1:9090, or unix:/path{}",
                                           quoted(admin.listen), address_hint(admin.listen)));
  }
  std::unordered_map<std::string_view, std::size_t> names;
  for (std::size_t i = 0; i < admin.tokens.size(); ++i) {
    const AdminToken& token = admin.tokens[i];
    Place place = root.in(fmt::format("admin.tokens[{}]", i), nullptr);
    check_name(place, "name", token.name);
    if (!names.try_emplace(token.name, i).second) place.fault("name", "another token has this name; names must differ");
    auto is_hex = [](char c) {
      return (c >= '0' && c <= '9') || (base::ascii_lower(c) >= 'a' && base::ascii_lower(c) <= 'f');
    };
    if (token.sha256.size() != 64 || !std::ranges::all_of(token.sha256, is_hex)) {
      place.fault("sha256",
                  "must be the 64 hexadecimal digits of the token's SHA-256; `printf %s TOKEN | sha256sum` "
                  "prints them");
    }
  }
}

void check_sticky_secret(const Place& root, const StickySecret& secret) {
  constexpr std::size_t kFewestBytes = 16;
  if (secret.value && secret.file) root.fault("sticky_secret", "has both a value and a file; remove one of them");
  if (secret.value && secret.value->size() < kFewestBytes) {
    root.fault("sticky_secret.value",
               fmt::format("has {} bytes and must have at least {}; `openssl rand -hex 32` makes "
                           "a good one",
                           secret.value->size(), kFewestBytes));
  }
  if (secret.file && (secret.file->empty() || has_control_bytes(*secret.file))) {
    root.fault("sticky_secret.file", "must be the path of a file");
  }
}

void check_reference(const Place& place, std::string_view key, const std::string& pool,
                     const std::vector<std::string_view>& pools) {
  if (pool.empty() || std::ranges::binary_search(pools, pool)) return;
  std::string_view near = base::nearest(pool, pools);
  std::string guess = near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
  place.fault(key, fmt::format("no such pool: {}{}", quoted(pool), guess));
}

// Listeners that would take each other's connections: equal addresses, or all addresses of a family beside
// one of them.
void check_addresses(const Place& root, const Config& config) {
  struct Taken {
    ListenAddress address;
    bool udp;
    std::string_view who;
  };
  std::vector<Taken> taken;
  if (auto admin = base::SocketAddress::parse(config.admin.listen); admin && admin->port != 0) {
    ListenAddress address{.ip = admin->ip, .every = false, .first_port = admin->port, .last_port = admin->port};
    taken.push_back({address, false, "the admin API"});
  }
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    bool udp = listener.protocol == ListenerProtocol::udp;
    auto parsed = parse_listen_addresses(listener.address);
    if (!parsed) continue;  // reported by itself
    for (const ListenAddress& address : *parsed) {
      if (address.first_port == 0) continue;  // a free one
      // TCP and UDP have ports of their own.
      auto clash = std::ranges::find_if(
          taken, [&](const Taken& other) { return udp == other.udp && address.overlaps(other.address); });
      if (clash == taken.end()) {
        taken.push_back({address, udp, listener.name});
        continue;
      }
      Place place = root.in(fmt::format("listeners[{}]", i), &listener.origin);
      place.fault("address", fmt::format("'{}' is taken by {}; every listener needs its own address or port",
                                         listener.address, clash->who));
    }
  }
}

void check_listeners(const Place& root, const Config& config, const std::vector<std::string_view>& pools) {
  Names names("listener");
  Names route_names("route");
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    Place place = root.in(fmt::format("listeners[{}]", i), &listener.origin);
    check_listener(place, listener);
    names.add(place, listener.name, listener.origin);
    check_reference(place, "pool", listener.pool, pools);
    for (std::size_t j = 0; j < listener.routes.size(); ++j) {
      const Route& route = listener.routes[j];
      Place at = place.in(fmt::format("routes[{}]", j), &route.origin);
      route_names.add(at, route.name, route.origin);
      check_reference(at, "pool", route.pool, pools);
    }
  }
  check_addresses(root, config);
}

void check_certificates(const Place& root, const Config& config) {
  Names names("certificate");
  for (std::size_t i = 0; i < config.certificates.size(); ++i) {
    const Certificate& certificate = config.certificates[i];
    Place place = root.in(fmt::format("certificates[{}]", i), &certificate.origin);
    names.add(place, certificate.name, certificate.origin);
    check_certificate(place, certificate);
  }
  if (config.tls.ticket_rotation < std::chrono::minutes(1)) {
    root.fault("tls.ticket_rotation", "must be at least 1m: clients could resume hardly any session");
  }
}

// An HTTP/2 connection belongs to one worker: with fewer than workers some would have none.
void check_h2_limits(const Place& place, const Pool& pool, std::uint32_t workers) {
  if (pool.protocol != PoolProtocol::h2) return;
  for (std::size_t i = 0; i < pool.backends.size(); ++i) {
    const Backend& backend = pool.backends[i];
    if (backend.max_connections == 0 || backend.max_connections >= workers) continue;
    place.in(fmt::format("backends[{}]", i), &backend.origin)
        .fault("max_connections",
               fmt::format("must be at least {}, the number of workers, or 0: each worker has its own connections of a "
                           "pool with protocol h2 (connections.max_streams limits the requests on each)",
                           workers));
  }
}

}  // namespace

Faults validate(const Config& config, const Kinds& kinds) {
  Faults faults;
  Place root(faults);
  check_admin(root, config.admin);
  if (auto good = check_log_format(config.access_log.format); !good) {
    root.fault("access_log.format", std::move(good.error()));
  }
  if (config.access_log.path.empty() || has_control_bytes(config.access_log.path)) {
    root.fault("access_log.path", "must be stdout, stderr or the path of a file");
  }
  check_sticky_secret(root, config.sticky_secret);
  std::vector<std::string_view> pool_names;
  Names names("pool");
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const Pool& pool = config.pools[i];
    Place place = root.in(fmt::format("pools[{}]", i), &pool.origin);
    check_pool(place, pool);
    check_h2_limits(place, pool, config.workers);
    names.add(place, pool.name, pool.origin);
    pool_names.push_back(pool.name);
  }
  std::ranges::sort(pool_names);
  check_certificates(root, config);
  check_listeners(root, config, pool_names);
  check_stickiness(root, config, kinds["methods"].entries);
  check_filters_of_redirects(root, config, kinds);
  return faults;
}

Faults validate(const Pool& pool) {
  Faults faults;
  check_pool(Place(faults, &pool.origin), pool);
  return faults;
}

Faults validate(const Listener& listener) {
  Faults faults;
  check_listener(Place(faults, &listener.origin), listener);
  return faults;
}

Faults validate(const Route& route) {
  Faults faults;
  check_route(Place(faults, &route.origin), route);
  return faults;
}

Faults validate(const Backend& backend) {
  Faults faults;
  check_backend(Place(faults, &backend.origin), backend);
  return faults;
}

base::Checked<void> check_log_format(std::string_view format) {
  if (format == "json" || format == "combined") return {};
  if (has_control_bytes(format)) return std::unexpected("a template must not have control bytes");
  std::size_t at = format.find("%{");
  if (at == std::string_view::npos) {
    return std::unexpected(
        fmt::format("{} is neither json nor combined, and no template: it has no %{{field}}", quoted(format)));
  }
  for (; at != std::string_view::npos; at = format.find("%{", at)) {
    std::size_t end = format.find('}', at);
    if (end == std::string_view::npos) {
      return std::unexpected(fmt::format("{} is not closed with }}", quoted(format.substr(at))));
    }
    std::string_view field = format.substr(at + 2, end - at - 2);
    if (!contains(kLogFieldNames, field)) {
      return std::unexpected(fmt::format("unknown field %{{{}}}{}", field, hint(field, kLogFieldNames)));
    }
    at = end;
  }
  return {};
}

}  // namespace weir::config
