// The filters of a configuration, made and checked before it is accepted: with the files that they name.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/fault.h"
#include "control/effective.h"
#include "control/reading.h"
#include "control/watched_files.h"
#include "filter/chain.h"
#include "filter/password_checks.h"

namespace weir::control {

// Control thread only, but for what the chains refer to.
class Filters {
 public:
  // `passwords` outlives all chains; null: nothing will be served (weir check).
  Filters(std::uint32_t workers, filter::PasswordChecks* passwords) : workers_(workers), passwords_(passwords) {}

  // Reads the files that `wanted` names, and makes its filters: all of it or faults.
  config::Faults prepare(const Effective& wanted, Reading reading);
  // The configuration that was prepared is accepted. Or is not.
  void accept();
  void abandon() { next_.reset(); }

  // Null when neither the listener nor a route of it has any. The same object as long as nothing that it is made of
  // changes.
  std::shared_ptr<const filter::Chains> of_listener(const std::string& name) const;

  // A file of those in use has changed on disk, and is at rest.
  std::vector<std::string> files_changed() { return files_.changed(); }

 private:
  using Text = std::shared_ptr<const std::string>;
  struct OfListener {
    config::Listener config{};
    std::map<std::string, Text> texts{};  // by path
    std::shared_ptr<const filter::Chains> chains{};
  };
  struct State {
    std::map<std::string, OfListener, std::less<>> listeners;
  };
  class Loader;

  std::uint32_t workers_;
  filter::PasswordChecks* passwords_;
  WatchedFiles files_;
  State now_;
  std::optional<State> next_;
};

}  // namespace weir::control
