// What is wanted: the file's objects, the API's and the operator's overrides, kept in step with store and publisher.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <variant>

#include "base/clock.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "control/effective.h"
#include "control/objects.h"
#include "control/publisher.h"
#include "control/reading.h"
#include "control/store.h"

namespace weir::control {

struct ChangeOptions {
  bool dry_run = false;                             // check, and change nothing
  std::optional<config::Duration> drain_timeout{};  // of the backends that leave with this change
};

// Every change is all or nothing: it is checked as part of the whole configuration, then prepared, stored and
// published. When anything but the last fails, nothing has changed anywhere. Control thread only.
class Catalog {
 public:
  // Why a change did not happen: the configuration would be faulty, or the store failed.
  using Refusal = std::variant<config::Faults, StoreError>;
  using Outcome = std::expected<void, Refusal>;

  // What a configuration takes from the system before it is accepted, such as listening sockets.
  struct Resources {
    std::function<config::Faults(const Effective&, Reading)> prepare;  // all of it, or faults and nothing
    std::function<void()> abandon;                                     // the prepared configuration was not accepted
    std::function<void()> accept;                                      // it was, and is about to be published
  };

  // All that is referred to outlives the catalog.
  Catalog(Store& store, Publisher& publisher, const config::Kinds& kinds, Resources resources = {})
      : store_(store), publisher_(publisher), kinds_(kinds), resources_(std::move(resources)) {}

  // Takes a file's configuration, or config::built_in_config() without a file, together with what the store holds, and
  // publishes. Called once, before anything else.
  Outcome start(config::Config file, base::TimePoint now);
  // The same with a file that changed; what the API made stays. Overrides of backends that are gone are dropped.
  Outcome reload(config::Config file, base::TimePoint now);
  // Takes over what has changed in the files that the configuration names; what is wrong in them is logged and stays as
  // it was.
  Outcome refresh(base::TimePoint now);
  // Replaces the objects of the API, usually by a changed copy of objects().
  Outcome change(Objects next, base::TimePoint now, ChangeOptions options = {});

  const Objects& objects() const { return objects_; }
  const Effective& effective() const { return effective_; }
  const config::Config& config() const { return *effective_.config; }
  const config::Config& file() const { return file_; }
  const config::Kinds& kinds() const { return kinds_; }

 private:
  std::expected<Effective, Refusal> check(const config::Config& file, const Objects& objects, Reading reading);
  std::expected<persist::StickyKey, config::Faults> sticky_key(const config::Config& wanted) const;
  bool needs_new_key(const Effective& wanted) const;
  void abandon() const;
  void publish(base::TimePoint now, std::optional<config::Duration> drain_timeout = {});

  Store& store_;
  Publisher& publisher_;
  config::Kinds kinds_;
  Resources resources_;
  config::Config file_;
  Objects objects_;
  Effective effective_;
  std::optional<persist::StickyKey> own_sticky_key_;  // once a pool has needed it
  bool own_key_is_stored_ = false;
};

}  // namespace weir::control
