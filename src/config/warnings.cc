#include "config/warnings.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <unordered_set>

#include "config/checks.h"
#include "config/fields.h"
#include "config/template_text.h"

namespace weir::config {

namespace {

std::string unused_text(std::string_view pool) {
  return fmt::format("no listener and no route uses the pool '{}'", pool);
}

}  // namespace

std::string weights_warning(const Pool& pool, std::span<const KindEntry> strategies) {
  const KindEntry* entry = find_entry(strategies, pool.algorithm.name);
  if (entry == nullptr || !entry->traits.ignores_weights) return {};
  // A weight of 0 takes no new work whatever the strategy.
  const Backend* first = nullptr;
  for (const Backend& backend : pool.backends) {
    if (backend.weight == 0) continue;
    if (first != nullptr && first->weight != backend.weight) {
      return fmt::format("{} ignores the weights of the backends; {} heeds them", entry->name, kUsualAlgorithm);
    }
    first = first == nullptr ? &backend : first;
  }
  return {};
}

std::string unused_warning(const Config& config, std::string_view pool) {
  for (const Listener& listener : config.listeners) {
    if (listener.pool == pool || std::ranges::find(listener.routes, pool, &Route::pool) != listener.routes.end()) {
      return {};
    }
  }
  return unused_text(pool);
}

namespace {

bool speaks_http(const Listener& listener) {
  return listener.protocol == ListenerProtocol::http || listener.protocol == ListenerProtocol::https;
}

// "$host", "${host}" and "%{host}" as other programs write variables; `found` is what stands there, `name` the
// variable.
struct ForeignVariable {
  std::string_view found;
  std::string_view name;
};
std::optional<ForeignVariable> foreign_variable(std::string_view text) {
  for (std::size_t at = text.find_first_of("$%"); at < text.size(); at = text.find_first_of("$%", at + 1)) {
    std::string_view rest = text.substr(at + 1);
    const bool braced = rest.starts_with('{') && !rest.starts_with("{{");
    if (!braced && text[at] == '%') continue;
    if (braced) rest.remove_prefix(1);
    auto end = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_");
    std::string_view name = rest.substr(0, end);
    if (braced && (end == rest.npos || rest[end] != '}')) continue;
    if (name.empty() || !parse_template(fmt::format("{{{}}}", name), TemplateUse::request_header)) continue;
    return ForeignVariable{text.substr(at, 1 + name.size() + (braced ? 2 : 0)), name};
  }
  return std::nullopt;
}

void warn_of_variables(const Place& place, const Route& route) {
  auto check = [&](std::string_view key, std::string_view text) {
    auto foreign = foreign_variable(text);
    if (foreign)
      place.fault(key, fmt::format("'{}' is no variable of Weir; write {{{}}}", foreign->found, foreign->name));
  };
  if (route.redirect) check("redirect.to", route.redirect->to);
  check("rewrite.host", route.rewrite.host.value_or(""));
  check("rewrite.path_prefix", route.rewrite.path_prefix.value_or(""));
  check("rewrite.substitution", route.rewrite.substitution);
  auto check_headers = [&](std::string_view key, const HeaderChanges& changes) {
    for (const auto& [name, value] : changes.set) check(fmt::format("{}.set.{}", key, name), value);
    for (const auto& [name, value] : changes.add) check(fmt::format("{}.add.{}", key, name), value);
  };
  check_headers("request_headers", route.request_headers);
  check_headers("response_headers", route.response_headers);
}

void warn_of_listener(const Place& place, const Listener& listener) {
  if (speaks_http(listener) && listener.routes.empty() && listener.pool.empty() && listener.redirect_to_https == 0) {
    place.fault("", "has neither routes nor a pool: every request is answered with 404");
  }
  const bool has_certificate = listener.tls && !listener.tls->certificates.empty();
  if (listener.protocol == ListenerProtocol::https && !has_certificate) {
    place.fault("tls.certificates",
                "the listener has no certificate: every TLS handshake fails until the admin API "
                "is given one");
  }
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    const Route& route = listener.routes[i];
    warn_of_variables(place.in(fmt::format("routes[{}]", i), &route.origin), route);
  }
}

void warn_of_backends(const Place& place, const Pool& pool) {
  if (pool.backends.empty()) {
    place.fault("backends", "the pool is in use and has no backends: its requests are answered with 503");
  } else if (pool.min_healthy > pool.backends.size()) {
    place.fault("min_healthy", fmt::format("{} is above the number of backends ({}): unhealthy ones are always used",
                                           pool.min_healthy, pool.backends.size()));
  }
}

}  // namespace

Faults warnings(const Config& config, const Kinds& kinds) {
  std::unordered_set<std::string_view> used;
  for (const Listener& listener : config.listeners) {
    used.insert(listener.pool);
    for (const Route& route : listener.routes) used.insert(route.pool);
  }
  Faults found;
  const Place root(found);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    warn_of_listener(root.in(fmt::format("listeners[{}]", i), &listener.origin), listener);
  }
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const Pool& pool = config.pools[i];
    if (std::string why = weights_warning(pool, kinds["strategies"].entries); !why.empty()) {
      found.push_back({pool.origin, fmt::format("pools[{}].algorithm", i), std::move(why)});
    }
    if (!used.contains(pool.name)) {
      found.push_back({pool.origin, fmt::format("pools[{}]", i), unused_text(pool.name)});
    } else {
      warn_of_backends(root.in(fmt::format("pools[{}]", i), &pool.origin), pool);
    }
  }
  std::ranges::move(warnings_of_checks(config, kinds["checkers"].entries), std::back_inserter(found));
  return found;
}

}  // namespace weir::config
