#include "config/warnings.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <unordered_set>

#include "config/fields.h"

namespace weir::config {

std::string weights_warning(const Pool& pool, std::span<const KindEntry> strategies) {
  const KindEntry* entry = find_entry(strategies, pool.algorithm.name);
  if (entry == nullptr || !entry->ignores_weights) return {};
  // A weight of 0 takes no new work whatever the strategy.
  const Backend* first = nullptr;
  for (const Backend& backend : pool.backends) {
    if (backend.weight == 0) continue;
    if (first != nullptr && first->weight != backend.weight) {
      return fmt::format("{} ignores the weights of the backends; weighted_round_robin heeds them", entry->name);
    }
    first = first == nullptr ? &backend : first;
  }
  return {};
}

Faults warnings(const Config& config, std::span<const KindEntry> strategies) {
  std::unordered_set<std::string_view> used;
  for (const Listener& listener : config.listeners) {
    used.insert(listener.pool);
    for (const Route& route : listener.routes) used.insert(route.pool);
  }
  Faults found;
  for (std::size_t i = 0; i < config.pools.size(); ++i) {
    const Pool& pool = config.pools[i];
    if (std::string why = weights_warning(pool, strategies); !why.empty()) {
      found.push_back({pool.origin, fmt::format("pools[{}].algorithm", i), std::move(why)});
    }
    if (!used.contains(pool.name)) {
      found.push_back({pool.origin, fmt::format("pools[{}]", i),
                       fmt::format("no listener and no route uses the pool '{}'", pool.name)});
    }
  }
  std::ranges::move(warnings_of_checks(config), std::back_inserter(found));
  return found;
}

}  // namespace weir::config
