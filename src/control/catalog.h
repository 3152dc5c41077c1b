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
#include "base/error.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "control/change_queue.h"
#include "control/effective.h"
#include "control/objects.h"
#include "control/publisher.h"
#include "control/reading.h"
#include "control/set_aside.h"
#include "control/sticky_key.h"
#include "control/store_link.h"
#include "control/unstored.h"
#include "net/task.h"
#include "store/store.h"

namespace weir::control {

struct ChangeOptions {
  bool dry_run = false;                             // check, and change nothing
  std::optional<config::Duration> drain_timeout{};  // of the backends that leave with this change
  std::vector<ObjectName> forget{};                 // objects that are set aside: removed from the store
};

// The resources that a configuration takes from the system before it is accepted, such as listening sockets.
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
// backends applies also while it cannot be stored.
//
// Control thread only. A change may wait for the store, for seconds: changes take turns (begin_change), while
// set_override() and everything that reads go on. A caller that was cancelled has changed something or nothing.
class Catalog {
 public:
  // Why a change did not happen: the configuration would be faulty, the store failed, or other changes went first for
  // too long (queue_full or timeout).
  using Refusal = std::variant<config::Faults, store::Error, base::Error>;
  // The stored objects that the change has changed; none when it changed nothing.
  using Changed = std::vector<ObjectName>;
  template <typename T>
  using Outcome = std::expected<T, Refusal>;
  using Turn = ChangeQueue::Turn;

  using Resources = CatalogResources;

  // All that is referred to outlives the catalog.
  Catalog(store::Store& store, Publisher& publisher, const config::Kinds& kinds, const base::Clock& clock,
          Resources resources = {})
      : store_(store), publisher_(publisher), kinds_(kinds), clock_(clock), resources_(std::move(resources)) {}

  // Takes a file's configuration, or config::built_in_config() without a file, together with what the store holds, and
  // publishes. Called once, before anything else. Fails only for the file itself, or a store that cannot be read.
  net::Task<Outcome<void>> start(config::Config file);
  // The same with a file that changed; what the API made stays, or is set aside where it does not fit. Overrides of
  // backends that are gone are dropped.
  net::Task<Outcome<void>> reload(config::Config file);
  // Takes over what has changed in the files that the configuration names; what is wrong in them is logged and stays as
  // it was.
  net::Task<Outcome<void>> refresh();

  // Waits until the caller may change something. The state to be changed is read after this, not before.
  net::Task<Outcome<Turn>> begin_change();
  // Replaces the objects of the API, usually by a changed copy of objects(). In turn. Takes back what fits now.
  net::Task<Outcome<Changed>> change(const Turn& turn, Objects next, ChangeOptions options = {});
  // Lays `by_operator` over a backend of the configuration. Needs no turn: it applies at once, and is stored at once
  // when the store is free.
  net::Task<Changed> set_override(BackendKey key, Override by_operator, ChangeOptions options = {});
  // Tries again to store what could not be stored, when it is time. Call it about once a second.
  net::Task<void> store_again();
  // Takes over what others write to the store, until it is cancelled.
  net::Task<void> follow_store();

  // Those in effect.
  const Objects& objects() const { return objects_; }
  const SetAsides& set_aside() const { return set_aside_; }
  // Overrides that apply but could not be stored yet.
  const Unstored& unstored() const { return unstored_; }
  const Effective& effective() const { return effective_; }
  const config::Config& config() const { return *effective_.config; }
  const config::Config& file() const { return file_; }
  const config::Kinds& kinds() const { return kinds_; }

 private:
  // The objects that fit together, and why the rest does not.
  struct Admitted {
    Effective effective;
    Objects objects;
    Reasons left_out;
  };
  // Weir's own key of sticky cookies, once a pool has needed it.
  struct OwnStickyKey {
    std::optional<persist::StickyKey> key;
    bool is_stored = false;
  };
  Outcome<Effective> check(const config::Config& file, const Objects& objects, Reading reading,
                           const std::set<std::string>& certificates = {});
  std::expected<persist::StickyKey, config::Faults> sticky_key(const config::Config& wanted) const;
  bool needs_new_key(const Effective& wanted) const;
  void abandon() const;
  void publish(std::optional<config::Duration> drain_timeout = {});
  Outcome<void> apply_file(config::Config file, Reading reading);

  // -- catalog_store.cc
  net::Task<store::Result<void>> commit(std::vector<store::Change> changes, base::Nanoseconds limit);
  net::Task<Outcome<void>> catch_up();
  void take_over(store::Contents contents);
  net::Task<void> store_what_follows();

  // -- catalog_set_aside.cc
  Objects with_set_aside();
  std::set<std::string> certificates_set_aside() const;
  Outcome<Admitted> admit(const config::Config& file, Objects fitting, const Objects& all,
                          const std::vector<std::vector<ObjectName>>& groups, Reading reading);
  void accept(Admitted admitted);
  void take_back();
  std::map<BackendKey, Override> kept_overrides(const Effective& effective,
                                                const std::map<BackendKey, Override>& overrides) const;

  StoreLink store_;
  Publisher& publisher_;
  config::Kinds kinds_;
  const base::Clock& clock_;
  Resources resources_;
  ChangeQueue queue_;
  config::Config file_;
  Objects objects_;
  SetAsides set_aside_;
  Effective effective_;
  OwnStickyKey own_sticky_key_;
  Unstored unstored_;
};

}  // namespace weir::control
