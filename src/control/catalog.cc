#include "control/catalog.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "control/sticky_key.h"

namespace weir::control {
namespace {

bool uses_own_key(const config::Config& config) {
  auto by_cookie = [](const config::Pool& pool) { return pool.sticky.type == config::StickyType::cookie; };
  bool is_configured = config.sticky_secret.value || config.sticky_secret.file;
  return !is_configured && std::ranges::any_of(config.pools, by_cookie);
}

}  // namespace

Catalog::Outcome Catalog::start(config::Config file, base::TimePoint now) {
  StoreResult<StoreContents> stored = store_.load();
  if (!stored) return std::unexpected(Refusal(std::move(stored.error())));
  std::expected<Objects, config::Faults> objects = read_objects(stored->objects, kinds_);
  if (!objects) return std::unexpected(Refusal(std::move(objects.error())));
  objects_ = std::move(*objects);
  own_sticky_key_ = stored_sticky_key(*stored);
  own_key_is_stored_ = own_sticky_key_.has_value();
  return reload(std::move(file), now);
}

// What would be effective; prepared, when there are no faults.
std::expected<Effective, Catalog::Refusal> Catalog::check(const config::Config& file, const Objects& objects,
                                                          Reading reading) {
  std::expected<Effective, config::Faults> merged = merge(file, objects);
  if (!merged) return std::unexpected(Refusal(std::move(merged.error())));
  std::expected<persist::StickyKey, config::Faults> key = sticky_key(*merged->config);
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

// The configured one, or Weir's own, which is made when the first pool has sticky cookies and kept once that holds.
std::expected<persist::StickyKey, config::Faults> Catalog::sticky_key(const config::Config& wanted) const {
  std::expected<std::optional<persist::StickyKey>, config::Faults> configured =
      configured_sticky_key(wanted.sticky_secret);
  if (!configured) return std::unexpected(std::move(configured.error()));
  if (*configured) return **configured;
  if (own_sticky_key_) return *own_sticky_key_;
  return uses_own_key(wanted) ? persist::StickyKey::random() : persist::StickyKey{};
}

// Whether the key of `wanted` is Weir's own and not in the store yet.
bool Catalog::needs_new_key(const Effective& wanted) const {
  return !own_key_is_stored_ && uses_own_key(*wanted.config);
}

void Catalog::abandon() const {
  if (resources_.abandon) resources_.abandon();
}

Catalog::Outcome Catalog::reload(config::Config file, base::TimePoint now) {
  std::expected<Effective, Refusal> merged = check(file, objects_, Reading::again);
  if (!merged) return std::unexpected(std::move(merged.error()));
  file_ = std::move(file);
  effective_ = std::move(*merged);
  if (needs_new_key(effective_)) {
    own_sticky_key_ = effective_.sticky_key;
    StoreResult<std::uint64_t> stored = store_.commit(std::array{sticky_key_change(effective_.sticky_key)});
    own_key_is_stored_ = stored.has_value();
    if (!stored) base::log_warning("the key of sticky cookies lasts until the next start: {}", stored.error().message);
  }
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
  bool has_new_key = needs_new_key(*merged);
  if (has_new_key) to_store.push_back(sticky_key_change(merged->sticky_key));
  StoreResult<std::uint64_t> stored = store_.commit(to_store);
  if (!stored) {
    abandon();
    return std::unexpected(Refusal(std::move(stored.error())));
  }
  if (has_new_key) own_sticky_key_ = merged->sticky_key;
  own_key_is_stored_ = own_key_is_stored_ || has_new_key;
  objects_ = std::move(next);
  effective_ = std::move(*merged);
  publish(now, options.drain_timeout);
  return {};
}

}  // namespace weir::control
