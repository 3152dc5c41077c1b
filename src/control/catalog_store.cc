// How the catalog and the store keep in step.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/catalog.h"
#include "control/object_json.h"
#include "control/patience.h"
#include "net/reactor.h"

namespace weir::control {
namespace {

constexpr base::Nanoseconds kWatchLimit = std::chrono::minutes(1);
constexpr base::Nanoseconds kPauseAfterError = std::chrono::seconds(1);

}  // namespace

net::Task<Catalog::Outcome<void>> Catalog::start(config::Config file) {
  store::Result<store::Contents> stored = co_await store_.load(kStorePatience);
  if (!stored) co_return std::unexpected(Refusal(std::move(stored.error())));
  take_over(std::move(*stored));
  Outcome<void> applied = apply_file(std::move(file), Reading::again);
  if (applied) co_await store_what_follows();
  co_return applied;
}

net::Task<Catalog::Outcome<Catalog::Turn>> Catalog::begin_change() {
  base::Result<Turn> turn = co_await queue_.enter(net::Reactor::current().now() + kQueuePatience);
  if (!turn) co_return std::unexpected(Refusal(turn.error()));
  if (store_.is_behind()) {
    Outcome<void> caught_up = co_await catch_up();
    if (!caught_up) co_return std::unexpected(std::move(caught_up.error()));
  }
  co_return std::move(*turn);
}

// Together with the overrides that are not stored yet. In turn.
net::Task<store::Result<void>> Catalog::commit(std::vector<store::Change> changes, base::Nanoseconds limit) {
  for (const BackendKey& key : unstored_.begin_commit()) {
    std::string name = key.text();
    bool is_newer = std::ranges::any_of(
        changes, [&](const store::Change& other) { return other.kind == kOverrideKind && other.name == name; });
    if (is_newer) continue;
    auto found = objects_.overrides.find(key);
    store::Change change{std::string(kOverrideKind), std::move(name), std::nullopt};
    if (found != objects_.overrides.end()) change.json = write_object(found->second);
    changes.push_back(std::move(change));
  }
  store::Result<void> stored = co_await store_.commit(std::move(changes), limit);
  unstored_.end_commit(stored.has_value(), clock_.now());
  co_return stored;
}

// Stores what a configuration that is in effect already has brought about. In turn.
net::Task<void> Catalog::store_what_follows() {
  std::vector<store::Change> changes;
  bool has_new_key = needs_new_key(effective_);
  if (has_new_key) changes.push_back(sticky_key_change(effective_.sticky_key));
  if (changes.empty() && unstored_.size() == 0) co_return;
  store::Result<void> stored = co_await commit(std::move(changes), kStorePatience);
  own_sticky_key_.is_stored = own_sticky_key_.is_stored || (has_new_key && stored);
  if (stored) co_return;
  const char* what = has_new_key ? "the key of sticky cookies lasts until the next start" : "some overrides wait";
  base::log_warning("{}: {}", what, stored.error().message);
}

net::Task<void> Catalog::store_again() {
  std::optional<Turn> turn;
  if (store_.is_behind() || unstored_.is_due(clock_.now())) turn = queue_.try_enter();
  if (!turn) co_return;
  if (store_.is_behind()) {
    Outcome<void> caught_up = co_await catch_up();
    if (!caught_up) co_return;
  }
  std::size_t waiting = unstored_.size();
  if (!unstored_.is_due(clock_.now())) co_return;
  store::Result<void> stored = co_await commit({}, kStorePatience);
  if (stored) base::log_info("store: {} changes that had to wait are stored", waiting);
}

net::Task<void> Catalog::follow_store() {
  net::TaskContext& context = co_await net::this_context();
  while (!context.cancelled()) {
    store::Result<void> watched = co_await store_.watch(kWatchLimit);
    bool is_known = watched && !store_.is_behind();
    if (is_known) continue;
    if (watched) {
      Outcome<Turn> turn = co_await begin_change();
      if (turn) continue;
    }
    base::Result<void> slept = co_await net::sleep_for(kPauseAfterError);
    static_cast<void>(slept);
  }
}

// Makes what the store has become effective. In turn.
net::Task<Catalog::Outcome<void>> Catalog::catch_up() {
  store::Result<store::Contents> stored = co_await store_.load(kStorePatience);
  if (!stored) co_return std::unexpected(Refusal(std::move(stored.error())));
  Objects objects_before = objects_;
  SetAsides set_aside_before = set_aside_;
  take_over(std::move(*stored));
  Outcome<void> applied = apply_file(file_, Reading::known);
  if (!applied) {
    // Goes on with what it has, and looks again later.
    objects_ = std::move(objects_before);
    set_aside_ = std::move(set_aside_before);
    store_.look_again();
    co_return applied;
  }
  base::log_info("the objects of the store were changed by another Weir, or late: they are in effect");
  take_back();
  co_return applied;
}

// Sets aside whatever is new or has changed, until apply_file() finds that it fits.
void Catalog::take_over(store::Contents contents) {
  if (std::optional<persist::StickyKey> key = stored_sticky_key(contents)) {
    own_sticky_key_ = {.key = key, .is_stored = true};
  }
  Objects kept;
  SetAsides aside;
  for (store::Object& object : contents.objects) {
    ObjectName name{object.kind, object.name};
    if (object.kind == kSecretKind) continue;
    if (object.kind == kOverrideKind && read_into(kept, object, kinds_).empty()) continue;
    if (contains(objects_, name) && stored_json(objects_, name) == object.json) {
      copy(name, objects_, kept);
      continue;
    }
    auto known = set_aside_.find(name);
    bool is_same = known != set_aside_.end() && known->second.json == object.json;
    SetAside fresh{.reason = {}, .json = std::move(object.json), .revision = object.revision};
    aside[std::move(name)] = is_same ? known->second : std::move(fresh);
  }
  for (const auto& [key, by_operator] : objects_.overrides) {
    if (unstored_.contains(key)) kept.overrides.insert_or_assign(key, by_operator);
  }
  std::erase_if(kept.overrides, [&](const auto& entry) {
    return unstored_.contains(entry.first) && !objects_.overrides.contains(entry.first);
  });
  objects_ = std::move(kept);
  set_aside_ = std::move(aside);
}

}  // namespace weir::control
