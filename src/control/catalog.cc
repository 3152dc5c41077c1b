#include "control/catalog.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/patience.h"
#include "net/reactor.h"

namespace weir::control {
namespace {

bool uses_own_key(const config::Config& config, const config::Kinds& kinds) {
  auto by_cookie = [methods = kinds["methods"].entries](const config::Pool& pool) {
    const config::KindEntry* method = config::find_entry(methods, pool.sticky.method.name);
    return method != nullptr && method->traits.sets_cookie;
  };
  bool is_configured = config.sticky_secret.value || config.sticky_secret.file;
  return !is_configured && std::ranges::any_of(config.pools, by_cookie);
}

// Does to `overrides` what was done from `before` to `after`.
void repeat_changes(const std::map<BackendKey, Override>& before, const std::map<BackendKey, Override>& after,
                    std::map<BackendKey, Override>& overrides) {
  for (const auto& [key, by_operator] : before) {
    if (!after.contains(key)) overrides.erase(key);
  }
  for (const auto& [key, by_operator] : after) {
    auto found = before.find(key);
    if (found == before.end() || !(found->second == by_operator)) overrides.insert_or_assign(key, by_operator);
  }
}

}  // namespace

// The configuration that would be effective; prepared, when there are no faults.
Catalog::Outcome<Effective> Catalog::check(const config::Config& file, const Objects& objects, Reading reading,
                                           const std::set<std::string>& certificates) {
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

void Catalog::publish(std::optional<config::Duration> drain_timeout) {
  if (resources_.accept) resources_.accept();
  publisher_.apply(effective_, clock_.now(), drain_timeout);
}

// The configured one, or Weir's own, which is made when the first pool has sticky cookies and kept once that holds.
std::expected<persist::StickyKey, config::Faults> Catalog::sticky_key(const config::Config& wanted) const {
  std::expected<std::optional<persist::StickyKey>, config::Faults> configured =
      configured_sticky_key(wanted.sticky_secret);
  if (!configured) return std::unexpected(std::move(configured.error()));
  if (*configured) return **configured;
  if (own_sticky_key_.key) return *own_sticky_key_.key;
  return uses_own_key(wanted, kinds_) ? persist::StickyKey::random() : persist::StickyKey{};
}

// Whether the key of `wanted` is Weir's own and not in the store yet.
bool Catalog::needs_new_key(const Effective& wanted) const {
  return !own_sticky_key_.is_stored && uses_own_key(*wanted.config, kinds_);
}

void Catalog::abandon() const {
  if (resources_.abandon) resources_.abandon();
}

Catalog::Outcome<void> Catalog::apply_file(config::Config file, Reading reading) {
  Objects all = with_set_aside();
  // Objects that serve already go before those that do not.
  std::vector<std::vector<ObjectName>> groups{names_of(objects_), in_order(set_aside_)};
  Objects none;
  none.overrides = objects_.overrides;
  Outcome<Admitted> admitted = admit(file, std::move(none), all, groups, reading);
  if (!admitted) return std::unexpected(std::move(admitted.error()));
  file_ = std::move(file);
  accept(std::move(*admitted));
  if (needs_new_key(effective_)) own_sticky_key_.key = effective_.sticky_key;
  std::map<BackendKey, Override> kept = kept_overrides(effective_, objects_.overrides);
  // Another Weir on the same store may have backends that this one's file has not.
  bool drops_others = reading == Reading::again;
  for (const auto& [key, by_operator] : objects_.overrides) {
    if (drops_others && !kept.contains(key)) unstored_.add(key);
  }
  objects_.overrides = std::move(kept);
  publish();
  return {};
}

net::Task<Catalog::Outcome<void>> Catalog::reload(config::Config file) {
  base::Result<Turn> turn = co_await queue_.enter(net::Reactor::current().now() + kFilePatience);
  if (!turn) co_return std::unexpected(Refusal(turn.error()));
  Outcome<void> applied = apply_file(std::move(file), Reading::again);
  if (applied) co_await store_what_follows();
  co_return applied;
}

net::Task<Catalog::Outcome<void>> Catalog::refresh() {
  base::Result<Turn> turn = co_await queue_.enter(net::Reactor::current().now() + kFilePatience);
  if (!turn) co_return std::unexpected(Refusal(turn.error()));
  Outcome<Effective> merged = check(file_, objects_, Reading::tolerant, certificates_set_aside());
  if (!merged) co_return std::unexpected(std::move(merged.error()));
  effective_ = std::move(*merged);
  publish();
  co_return Outcome<void>();
}

net::Task<Catalog::Outcome<Catalog::Changed>> Catalog::change(const Turn&, Objects next, ChangeOptions options) {
  Outcome<Effective> merged = check(file_, next, Reading::known, certificates_set_aside());
  if (!merged) co_return std::unexpected(std::move(merged.error()));
  next.overrides = kept_overrides(*merged, next.overrides);
  std::vector<store::Change> to_store = changes(objects_, next);
  for (const ObjectName& name : options.forget) to_store.push_back({name.kind, name.name, std::nullopt});
  Changed changed;
  for (const store::Change& one : to_store) changed.push_back({one.kind, one.name});
  if (options.dry_run || to_store.empty()) {
    abandon();
    co_return Changed();
  }
  bool has_new_key = needs_new_key(*merged);
  if (has_new_key) to_store.push_back(sticky_key_change(merged->sticky_key));
  std::map<BackendKey, Override> overrides_before = objects_.overrides;
  store::Result<void> stored = co_await commit(std::move(to_store), kStorePatience);
  if (!stored) {
    abandon();
    co_return std::unexpected(Refusal(std::move(stored.error())));
  }
  if (has_new_key) own_sticky_key_ = {.key = merged->sticky_key, .is_stored = true};
  // Operators did not wait.
  repeat_changes(overrides_before, objects_.overrides, next.overrides);
  next.overrides = kept_overrides(*merged, next.overrides);
  merged->overrides = overrides_of_backends(*merged, next.overrides);
  objects_ = std::move(next);
  effective_ = std::move(*merged);
  for (const ObjectName& name : changed) set_aside_.erase(name);
  publish(options.drain_timeout);
  take_back();
  co_return changed;
}

net::Task<Catalog::Changed> Catalog::set_override(BackendKey key, Override by_operator, ChangeOptions options) {
  auto present = objects_.overrides.find(key);
  bool is_same = by_operator == (present == objects_.overrides.end() ? Override() : present->second);
  if (options.dry_run || is_same) co_return Changed();
  for (std::map<BackendKey, Override>* overrides : {&objects_.overrides, &effective_.overrides}) {
    if (by_operator.empty()) {
      overrides->erase(key);
    } else {
      overrides->insert_or_assign(key, by_operator);
    }
  }
  unstored_.add(key);
  // No resources are accepted here: those prepared at the moment belong to a change under way.
  publisher_.apply(effective_, clock_.now(), options.drain_timeout);
  std::optional<Turn> turn = queue_.try_enter();
  std::string why_not = "another change is being stored";
  if (turn && !store_.is_behind()) {
    store::Result<void> stored = co_await commit({}, kOperatorPatience);
    why_not = stored ? "" : std::move(stored.error().message);
  }
  if (!why_not.empty()) {
    base::log_warning("the state of backend {} applies, but is not stored yet: {}", key.text(), why_not);
  }
  co_return Changed{{std::string(kOverrideKind), key.text()}};
}

}  // namespace weir::control
