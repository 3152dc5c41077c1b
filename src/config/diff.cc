#include "config/diff.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ranges>
#include <unordered_map>

namespace weir::config {
namespace {

// The objects of `list` by name.
template <typename T>
std::unordered_map<std::string_view, const T*> by_name(const std::vector<T>& list, std::string T::* name) {
  std::unordered_map<std::string_view, const T*> found;
  found.reserve(list.size());
  for (const T& object : list) found.emplace(object.*name, &object);
  return found;
}

// Calls `both(old, new)` for objects in both lists; the names of the others go to `added` and `removed`.
template <typename T>
void pair_up(const std::vector<T>& older, const std::vector<T>& newer, std::string T::* name,
             std::vector<std::string>& added, std::vector<std::string>& removed, auto both) {
  auto old_by_name = by_name(older, name);
  for (const T& object : newer) {
    auto found = old_by_name.find(object.*name);
    if (found == old_by_name.end()) {
      added.push_back(object.*name);
    } else {
      both(*found->second, object);
      found->second = nullptr;
    }
  }
  for (const T& object : older) {
    if (old_by_name[object.*name] != nullptr) removed.push_back(object.*name);
  }
}

template <typename T>
T without_origin(T object) {
  object.origin = {};
  return object;
}

std::optional<ListenerTls> without_origins(std::optional<ListenerTls> tls) {
  if (tls) {
    for (Certificate& certificate : tls->certificates) certificate.origin = {};
  }
  return tls;
}

bool same_backend(const Backend& a, const Backend& b) { return without_origin(a) == without_origin(b); }
bool same_route(const Route& a, const Route& b) { return without_origin(a) == without_origin(b); }

// Everything of a pool but its backends.
bool same_settings(const Pool& a, const Pool& b) {
  auto settings = [](const Pool& pool) {
    return Pool{.name = pool.name,
                .protocol = pool.protocol,
                .tls = pool.tls,
                .algorithm = pool.algorithm,
                .health_check = pool.health_check,
                .agent = pool.agent,
                .passive = pool.passive,
                .min_healthy = pool.min_healthy,
                .slow_start = pool.slow_start,
                .drain_timeout = pool.drain_timeout,
                .retries = pool.retries,
                .connections = pool.connections,
                .timeouts = pool.timeouts,
                .sticky = pool.sticky,
                .grpc = pool.grpc,
                .proxy_protocol = pool.proxy_protocol,
                .transparent = pool.transparent,
                .backends = {},
                .origin = {}};
  };
  return settings(a) == settings(b);
}

// Everything of a listener but what ListenerChange names by itself.
bool same_settings(const Listener& a, const Listener& b) {
  auto settings = [](const Listener& listener) {
    return Listener{.name = listener.name,
                    .address = {},
                    .protocol = {},
                    .routes = {},
                    .pool = listener.pool,
                    .timeouts = listener.timeouts,
                    .min_rate = listener.min_rate,
                    .limits = listener.limits,
                    .paths = listener.paths,
                    .filters = listener.filters,
                    .udp = listener.udp,
                    .socket = listener.socket,
                    .allow = listener.allow,
                    .deny = listener.deny,
                    .proxy_protocol = listener.proxy_protocol,
                    .trusted_proxies = listener.trusted_proxies,
                    .forward = listener.forward,
                    .via = listener.via,
                    .http_1_0_keep_alive = listener.http_1_0_keep_alive,
                    .tls = without_origins(listener.tls),
                    .redirect_to_https = listener.redirect_to_https,
                    .http2 = listener.http2,
                    .max_connection_age = listener.max_connection_age,
                    .max_connection_age_jitter = listener.max_connection_age_jitter,
                    .origin = {}};
  };
  return settings(a) == settings(b);
}

BackendsDiff diff_backends(const std::vector<Backend>& older, const std::vector<Backend>& newer) {
  BackendsDiff out;
  pair_up(older, newer, &Backend::id, out.added, out.removed, [&](const Backend& before, const Backend& after) {
    if (before.host != after.host || before.port != after.port) {
      out.added.push_back(after.id);
      out.removed.push_back(after.id);
    } else if (!same_backend(before, after)) {
      out.changed.push_back(after.id);
    }
  });
  return out;
}

// "2 backends added (web-4, web-5)", at most five names.
std::string counted(std::string_view what, const std::vector<std::string>& names, std::string_view verb) {
  constexpr std::size_t kShown = 5;
  return fmt::format("{} {}{} {} ({}{})", names.size(), what, names.size() == 1 ? "" : "s", verb,
                     fmt::join(names | std::views::take(kShown), ", "), names.size() > kShown ? ", ..." : "");
}

std::string summary_of(const PoolChange& change) {
  std::vector<std::string> parts;
  if (change.settings) parts.emplace_back("settings changed");
  if (!change.backends.added.empty()) parts.push_back(counted("backend", change.backends.added, "added"));
  if (!change.backends.removed.empty()) parts.push_back(counted("backend", change.backends.removed, "removed"));
  if (!change.backends.changed.empty()) parts.push_back(counted("backend", change.backends.changed, "changed"));
  return fmt::format("pool {}: {}", change.name, fmt::join(parts, ", "));
}

std::string summary_of(const ListenerChange& change) {
  std::vector<std::string_view> parts;
  if (change.address) parts.emplace_back("address");
  if (change.protocol) parts.emplace_back("protocol");
  if (change.routes) parts.emplace_back("routes");
  if (change.settings) parts.emplace_back("settings");
  return fmt::format("listener {}: {} changed", change.name, fmt::join(parts, ", "));
}

}  // namespace

bool Diff::empty() const {
  return listeners_added.empty() && listeners_removed.empty() && listeners_changed.empty() && pools_added.empty() &&
         pools_removed.empty() && pools_changed.empty() && !admin && !store && !workers && !access_log &&
         !certificates && !other;
}

Diff diff(const Config& older, const Config& newer) {
  Diff out;
  out.admin = older.admin != newer.admin;
  out.store = older.store != newer.store;
  out.workers = older.workers != newer.workers;
  out.access_log = older.access_log != newer.access_log;
  auto same_certificate = [](const Certificate& a, const Certificate& b) {
    return without_origin(a) == without_origin(b);
  };
  out.certificates =
      older.tls != newer.tls || !std::ranges::equal(older.certificates, newer.certificates, same_certificate);
  out.other = older.timeouts != newer.timeouts || older.drain_timeout != newer.drain_timeout ||
              older.log_level != newer.log_level || older.max_connections != newer.max_connections ||
              older.sticky_secret != newer.sticky_secret;
  pair_up(older.listeners, newer.listeners, &Listener::name, out.listeners_added, out.listeners_removed,
          [&](const Listener& before, const Listener& after) {
            ListenerChange change{.name = after.name,
                                  .address = before.address != after.address,
                                  .protocol = before.protocol != after.protocol,
                                  .routes = !std::ranges::equal(before.routes, after.routes, same_route),
                                  .settings = !same_settings(before, after)};
            if (change.address || change.protocol || change.routes || change.settings) {
              out.listeners_changed.push_back(std::move(change));
            }
          });
  pair_up(older.pools, newer.pools, &Pool::name, out.pools_added, out.pools_removed,
          [&](const Pool& before, const Pool& after) {
            PoolChange change{.name = after.name,
                              .settings = !same_settings(before, after),
                              .backends = diff_backends(before.backends, after.backends)};
            if (change.settings || !change.backends.empty()) out.pools_changed.push_back(std::move(change));
          });
  return out;
}

std::vector<std::string> summary(const Diff& diff) {
  std::vector<std::string> lines;
  auto names = [&](std::string_view kind, const std::vector<std::string>& list, std::string_view verb) {
    for (const std::string& name : list) lines.push_back(fmt::format("{} {}: {}", kind, name, verb));
  };
  names("listener", diff.listeners_added, "added");
  names("listener", diff.listeners_removed, "removed");
  for (const ListenerChange& change : diff.listeners_changed) lines.push_back(summary_of(change));
  names("pool", diff.pools_added, "added");
  names("pool", diff.pools_removed, "removed");
  for (const PoolChange& change : diff.pools_changed) lines.push_back(summary_of(change));
  if (diff.access_log) lines.emplace_back("access_log changed");
  if (diff.certificates) lines.emplace_back("certificates or tls changed");
  if (diff.other) lines.emplace_back("global timeouts, log level or sticky_secret changed");
  if (diff.admin) lines.emplace_back("admin changed");
  if (diff.store) lines.emplace_back("store changed");
  if (diff.workers) lines.emplace_back("workers changed");
  return lines;
}

}  // namespace weir::config
