// What is wanted: the file's objects, the API's and the operator's overrides, kept in step with store and publisher.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "control/effective.h"
#include "control/objects.h"
#include "control/publisher.h"
#include "control/reading.h"
#include "control/set_aside.h"
#include "store/store.h"

namespace weir::control {

struct ChangeOptions {
  bool dry_run = false;                             // check, and change nothing
  std::optional<config::Duration> drain_timeout{};  // of the backends that leave with this change
  std::vector<ObjectName> forget{};                 // objects that are set aside: removed from the store
};

// What a configuration takes from the system before it is accepted, such as listening sockets.
struct CatalogResources {
  std::function<config::Faults(const Effective&, Reading)> prepare;  // all of it, or faults and nothing
  std::function<void()> abandon;                                     // the prepared configuration was not accepted
  std::function<void()> accept;                                      // it was, and is about to be published
  // The object was set aside for a reason, or is taken back when the reason is empty. Optional.
  std::function<void(const ObjectName&, const std::string& reason)> set_aside = {};
};

// Every change is all or nothing: it is checked as part of the whole configuration, then prepared, stored and
// published. When anything but the last fails, nothing has changed anywhere. Two things never fail for what was
// accepted before: a stored object that does not fit is set aside (set_aside.h), and what an operator lays over
// backends applies also while it cannot be stored. Control thread only.
class Catalog {
 public:
  // Why a change did not happen: the configuration would be faulty, or the store failed.
  using Refusal = std::variant<config::Faults, store::StoreError>;
  using Outcome = std::expected<void, Refusal>;

  using Resources = CatalogResources;

  // All that is referred to outlives the catalog.
  Catalog(store::Store& store, Publisher& publisher, const config::Kinds& kinds, Resources resources = {})
      : store_(store), publisher_(publisher), kinds_(kinds), resources_(std::move(resources)) {}

  // Takes a file's configuration, or config::built_in_config() without a file, together with what the store holds, and
  // publishes. Called once, before anything else. Fails only for the file itself, or a store that cannot be read.
  Outcome start(config::Config file, base::TimePoint now);
  // The same with a file that changed; what the API made stays, or is set aside where it does not fit. Overrides of
  // backends that are gone are dropped.
  Outcome reload(config::Config file, base::TimePoint now);
  // Takes over what has changed in the files that the configuration names; what is wrong in them is logged and stays as
  // it was.
  Outcome refresh(base::TimePoint now);
  // Replaces the objects of the API, usually by a changed copy of objects(). Takes back what fits now.
  Outcome change(Objects next, base::TimePoint now, ChangeOptions options = {});
  // Tries again to store what could not be stored, when it is time. Call it about once a second.
  void store_again(base::TimePoint now);

  // The stored objects that the last change() has changed; empty when it changed nothing.
  const std::vector<ObjectName>& last_changed() const { return last_changed_; }

  // Those in effect.
  const Objects& objects() const { return objects_; }
  const SetAsides& set_aside() const { return set_aside_; }
  // What applies but could not be stored yet.
  std::size_t unstored() const { return unstored_.size(); }
  bool is_stored(const ObjectName& name) const { return !unstored_.contains(name); }
  const Effective& effective() const { return effective_; }
  const config::Config& config() const { return *effective_.config; }
  const config::Config& file() const { return file_; }
  const config::Kinds& kinds() const { return kinds_; }

 private:
  // What fits together, and why the rest does not.
  struct Admitted {
    Effective effective;
    Objects objects;
    Reasons left_out;
  };
  std::expected<Effective, Refusal> check(const config::Config& file, const Objects& objects, Reading reading,
                                          const std::set<std::string>& certificates = {});
  std::expected<persist::StickyKey, config::Faults> sticky_key(const config::Config& wanted) const;
  bool needs_new_key(const Effective& wanted) const;
  store::StoreResult<void> commit(std::vector<store::StoreChange> changes);
  void postpone(const std::vector<store::StoreChange>& changes, const store::StoreError& why, base::TimePoint now);
  void abandon() const;
  void publish(base::TimePoint now, std::optional<config::Duration> drain_timeout = {});

  // -- catalog_set_aside.cc
  Objects with_set_aside();
  std::set<std::string> certificates_set_aside() const;
  std::expected<Admitted, Refusal> admit(const config::Config& file, Objects fitting, const Objects& all,
                                         const std::vector<std::vector<ObjectName>>& groups, Reading reading);
  void accept(Admitted admitted);
  void take_back(base::TimePoint now);
  std::map<BackendKey, Override> kept_overrides(const Effective& effective, const Objects& objects) const;

  store::Store& store_;
  Publisher& publisher_;
  config::Kinds kinds_;
  Resources resources_;
  config::Config file_;
  Objects objects_;
  SetAsides set_aside_;
  Effective effective_;
  std::optional<persist::StickyKey> own_sticky_key_;  // once a pool has needed it
  bool own_key_is_stored_ = false;
  std::vector<ObjectName> last_changed_;
  std::map<ObjectName, store::StoreChange> unstored_;
  base::TimePoint store_again_at_{};
  base::Nanoseconds store_pause_{};
};

}  // namespace weir::control
