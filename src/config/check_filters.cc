// Rules for filters that are beyond their own options.
#include <fmt/format.h>

#include "config/checks.h"

namespace weir::config {
namespace {

void check_without_requests(const Place& place, const Filters& filters) {
  for (const FilterSetting& setting : filters.settings) {
    place.fault(fmt::format("filters.{}", setting.name),
                "works on HTTP requests, and this listener has none; use the protocol http or https, or for addresses "
                "the listener's own `allow` and `deny`");
  }
}

// `key` is the short form of a filter of the listener.
void check_short_form(const Place& place, const Listener& listener, std::string_view name, std::string_view key,
                      bool is_used) {
  if (!is_used || listener.filters.find(name) == nullptr) return;
  place.fault(fmt::format("filters.{}", name), fmt::format("says the same as `{}`; remove one of them", key));
}

}  // namespace

void check_filters(const Place& place, const Listener& listener) {
  bool has_requests = listener.protocol == ListenerProtocol::http || listener.protocol == ListenerProtocol::https;
  if (!has_requests) {
    check_without_requests(place, listener.filters);
    for (std::size_t i = 0; i < listener.routes.size(); ++i) {
      const Route& route = listener.routes[i];
      check_without_requests(place.in(fmt::format("routes[{}]", i), &route.origin), route.filters);
    }
    return;
  }
  for (const FilterSetting& setting : listener.filters.settings) {
    if (!setting.choices.empty()) continue;
    place.fault(fmt::format("filters.{}", setting.name),
                "`off` is for routes, where it removes the listener's filter; remove it here");
  }
  check_short_form(place, listener, "body", "limits.body_bytes", listener.limits.body_bytes > 0);
  check_short_form(place, listener, "hsts", "tls.hsts",
                   listener.tls.has_value() && listener.tls->hsts.max_age > Duration(0));
}

void check_filters_of_redirects(const Place& root, const Config& config, const Kinds& kinds) {
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    for (std::size_t j = 0; j < listener.routes.size(); ++j) {
      const Route& route = listener.routes[j];
      if (!route.redirect) continue;
      Place place = root.in(fmt::format("listeners[{}].routes[{}]", i, j), &route.origin);
      for (const FilterSetting& setting : route.filters.settings) {
        const KindEntry* entry = find_entry(kinds["filters"].entries, setting.name);
        if (setting.choices.empty() || entry->traits.guards_redirects) continue;
        place.fault(fmt::format("filters.{}", setting.name),
                    "has no effect on a redirect; remove it here and set it where the redirect leads");
      }
    }
  }
}

}  // namespace weir::config
