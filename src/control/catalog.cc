#include "control/catalog.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/sticky_key.h"

namespace weir::control {
namespace {

constexpr base::Nanoseconds kFirstStorePause = std::chrono::seconds(1);
constexpr base::Nanoseconds kLongestStorePause = std::chrono::minutes(1);

bool uses_own_key(const config::Config& config, const config::Kinds& kinds) {
  auto by_cookie = [methods = kinds["methods"].entries](const config::Pool& pool) {
    const config::KindEntry* method = config::find_entry(methods, pool.sticky.method.name);
    return method != nullptr && method->traits.sets_cookie;
  };
  bool is_configured = config.sticky_secret.value || config.sticky_secret.file;
  return !is_configured && std::ranges::any_of(config.pools, by_cookie);
}

}  // namespace

Catalog::Outcome Catalog::start(config::Config file, base::TimePoint now) {
  store::StoreResult<store::StoreContents> stored = store_.load();
  if (!stored) return std::unexpected(Refusal(std::move(stored.error())));
  // Everything is set aside until reload() finds that it fits.
  for (store::StoredObject& object : stored->objects) {
    if (object.kind == kSecretKind) continue;
    if (object.kind == kOverrideKind && read_into(objects_, object, kinds_).empty()) continue;
    set_aside_[{object.kind, object.name}] = {
        .reason = {}, .json = std::move(object.json), .revision = object.revision};
  }
  own_sticky_key_ = stored_sticky_key(*stored);
  own_key_is_stored_ = own_sticky_key_.has_value();
  return reload(std::move(file), now);
}

// What would be effective; prepared, when there are no faults.
std::expected<Effective, Catalog::Refusal> Catalog::check(const config::Config& file, const Objects& objects,
                                                          Reading reading, const std::set<std::string>& certificates) {
  std::expected<Effective, Verdict> merged = merge(file, objects, kinds_);
  if (!merged) return std::unexpected(Refusal(std::move(merged.error().faults)));
  for (const std::string& name : certificates) {
    if (!objects.certificates.contains(name)) merged->absent_certificates.insert(name);
  }
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
  std::expected<Effective, Refusal> merged = check(file_, objects_, Reading::tolerant, certificates_set_aside());
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
  return uses_own_key(wanted, kinds_) ? persist::StickyKey::random() : persist::StickyKey{};
}

// Whether the key of `wanted` is Weir's own and not in the store yet.
bool Catalog::needs_new_key(const Effective& wanted) const {
  return !own_key_is_stored_ && uses_own_key(*wanted.config, kinds_);
}

void Catalog::abandon() const {
  if (resources_.abandon) resources_.abandon();
}

Catalog::Outcome Catalog::reload(config::Config file, base::TimePoint now) {
  Objects all = with_set_aside();
  // What serves already goes before what does not.
  std::vector<std::vector<ObjectName>> groups{names_of(objects_), in_order(set_aside_)};
  Objects none;
  none.overrides = objects_.overrides;
  std::expected<Admitted, Refusal> admitted = admit(file, std::move(none), all, groups, Reading::again);
  if (!admitted) return std::unexpected(std::move(admitted.error()));
  file_ = std::move(file);
  accept(std::move(*admitted));
  if (needs_new_key(effective_)) {
    own_sticky_key_ = effective_.sticky_key;
    store::StoreResult<void> stored = commit({sticky_key_change(effective_.sticky_key)});
    own_key_is_stored_ = stored.has_value();
    if (!stored) base::log_warning("the key of sticky cookies lasts until the next start: {}", stored.error().message);
  }
  Objects pruned = objects_;
  pruned.overrides = kept_overrides(effective_, objects_);
  if (pruned.overrides.size() != objects_.overrides.size()) {
    // Overrides left behind in the store do no harm: they are dropped again at the next start.
    store::StoreResult<void> stored = commit(changes(objects_, pruned));
    if (!stored) base::log_warning("overrides of removed backends stay in the store: {}", stored.error().message);
    objects_ = std::move(pruned);
  }
  publish(now);
  return {};
}

Catalog::Outcome Catalog::change(Objects next, base::TimePoint now, ChangeOptions options) {
  last_changed_.clear();
  std::expected<Effective, Refusal> merged = check(file_, next, Reading::known, certificates_set_aside());
  if (!merged) return std::unexpected(std::move(merged.error()));
  next.overrides = kept_overrides(*merged, next);
  std::vector<store::StoreChange> to_store = changes(objects_, next);
  for (const ObjectName& name : options.forget) to_store.push_back({name.kind, name.name, std::nullopt});
  if (options.dry_run || to_store.empty()) {
    abandon();
    return {};
  }
  bool is_operational =
      std::ranges::all_of(to_store, [](const store::StoreChange& change) { return change.kind == kOverrideKind; });
  bool has_new_key = needs_new_key(*merged);
  if (has_new_key) to_store.push_back(sticky_key_change(merged->sticky_key));
  store::StoreResult<void> stored = commit(to_store);
  if (!stored && !is_operational) {
    abandon();
    return std::unexpected(Refusal(std::move(stored.error())));
  }
  if (!stored) postpone(to_store, stored.error(), now);
  if (has_new_key) own_sticky_key_ = merged->sticky_key;
  own_key_is_stored_ = own_key_is_stored_ || (has_new_key && stored);
  objects_ = std::move(next);
  effective_ = std::move(*merged);
  for (const store::StoreChange& change : to_store) {
    last_changed_.push_back({change.kind, change.name});
    set_aside_.erase(last_changed_.back());
  }
  publish(now, options.drain_timeout);
  take_back(now);
  return {};
}

// With what could not be stored before.
store::StoreResult<void> Catalog::commit(std::vector<store::StoreChange> changes) {
  for (const auto& [name, change] : unstored_) {
    bool is_newer = std::ranges::any_of(
        changes, [&](const store::StoreChange& other) { return other.kind == name.kind && other.name == name.name; });
    if (!is_newer) changes.push_back(change);
  }
  store::StoreResult<std::uint64_t> stored = store_.commit(changes);
  if (!stored) return std::unexpected(std::move(stored.error()));
  if (!unstored_.empty()) base::log_info("store: {} changes that had to wait are stored", unstored_.size());
  unstored_.clear();
  return {};
}

void Catalog::postpone(const std::vector<store::StoreChange>& changes, const store::StoreError& why,
                       base::TimePoint now) {
  for (const store::StoreChange& change : changes) {
    if (change.kind != kOverrideKind) continue;
    unstored_.insert_or_assign({change.kind, change.name}, change);
    base::log_warning("the state of backend {} applies, but is not stored yet: {}", change.name, why.message);
  }
  store_pause_ = kFirstStorePause;
  store_again_at_ = now + store_pause_;
}

void Catalog::store_again(base::TimePoint now) {
  if (unstored_.empty() || now < store_again_at_) return;
  if (commit({})) return;
  store_pause_ = std::min(store_pause_ * 2, kLongestStorePause);
  store_again_at_ = now + store_pause_;
}

}  // namespace weir::control
