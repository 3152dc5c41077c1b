#include "control/catalog.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/sticky_key.h"

namespace weir::control {

Catalog::Outcome Catalog::start(config::Config file, base::TimePoint now) {
  StoreResult<StoreContents> stored = store_.load();
  if (!stored) return std::unexpected(Refusal(std::move(stored.error())));
  std::expected<Objects, config::Faults> objects = read_objects(stored->objects, kinds_);
  if (!objects) return std::unexpected(Refusal(std::move(objects.error())));
  objects_ = std::move(*objects);
  own_sticky_key_ = stored_sticky_key(*stored);
  return reload(std::move(file), now);
}

// What would be effective; prepared, when there are no faults.
std::expected<Effective, Catalog::Refusal> Catalog::check(const config::Config& file, const Objects& objects,
                                                          Reading reading) {
  std::expected<Effective, config::Faults> merged = merge(file, objects);
  if (!merged) return std::unexpected(Refusal(std::move(merged.error())));
  std::expected<base::HashKey, config::Faults> key = sticky_key(*merged->config);
  if (!key && reading != Reading::tolerant) return std::unexpected(Refusal(std::move(key.error())));
  merged->sticky_key = key ? *key : effective_.sticky_key;
  if (resources_.prepare) {
    config::Faults faults = resources_.prepare(*merged, reading);
    if (!faults.empty()) return std::unexpected(Refusal(std::move(faults)));
  }
  return std::move(*merged);
}

void Catalog::publish(base::TimePoint now, std::optional<config::Duration> drain_timeout) {
  if (resources_.accept) resources_.accept();
  publisher_.apply(effective_, now, drain_timeout);
}

Catalog::Outcome Catalog::refresh(base::TimePoint now) {
  std::expected<Effective, Refusal> merged = check(file_, objects_, Reading::tolerant);
  if (!merged) return std::unexpected(std::move(merged.error()));
  effective_ = std::move(*merged);
  publish(now);
  return {};
}

// The configured one, or Weir's own, which is made when the first pool has sticky cookies.
std::expected<base::HashKey, config::Faults> Catalog::sticky_key(const config::Config& wanted) {
  std::expected<std::optional<base::HashKey>, config::Faults> configured = configured_sticky_key(wanted.sticky_secret);
  if (!configured) return std::unexpected(std::move(configured.error()));
  if (*configured) return **configured;
  auto by_cookie = [](const config::Pool& pool) { return pool.sticky.type == config::StickyType::cookie; };
  if (!own_sticky_key_ && std::ranges::any_of(wanted.pools, by_cookie)) own_sticky_key_ = new_sticky_key(store_);
  return own_sticky_key_.value_or(base::HashKey{});
}

void Catalog::abandon() const {
  if (resources_.abandon) resources_.abandon();
}

Catalog::Outcome Catalog::reload(config::Config file, base::TimePoint now) {
  std::expected<Effective, Refusal> merged = check(file, objects_, Reading::again);
  if (!merged) return std::unexpected(std::move(merged.error()));
  file_ = std::move(file);
  effective_ = std::move(*merged);
  if (effective_.overrides.size() != objects_.overrides.size()) {
    Objects pruned = objects_;
    pruned.overrides = effective_.overrides;
    // Overrides left behind in the store do no harm: they are dropped again at the next start.
    StoreResult<std::uint64_t> stored = store_.commit(changes(objects_, pruned));
    if (!stored) base::log_warning("overrides of removed backends stay in the store: {}", stored.error().message);
    objects_ = std::move(pruned);
  }
  publish(now);
  return {};
}

Catalog::Outcome Catalog::change(Objects next, base::TimePoint now, ChangeOptions options) {
  std::expected<Effective, Refusal> merged = check(file_, next, Reading::known);
  if (!merged) return std::unexpected(std::move(merged.error()));
  next.overrides = merged->overrides;
  std::vector<StoreChange> to_store = changes(objects_, next);
  if (options.dry_run || to_store.empty()) {
    abandon();
    return {};
  }
  StoreResult<std::uint64_t> stored = store_.commit(to_store);
  if (!stored) {
    abandon();
    return std::unexpected(Refusal(std::move(stored.error())));
  }
  objects_ = std::move(next);
  effective_ = std::move(*merged);
  publish(now, options.drain_timeout);
  return {};
}

}  // namespace weir::control
