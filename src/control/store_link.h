// The store as the catalog uses it: every commit is based on the revision that the catalog knows.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "net/task.h"
#include "store/store.h"

namespace weir::control {

// Control thread only; one load or commit at a time.
class StoreLink {
 public:
  explicit StoreLink(store::Store& store) : store_(store) {}

  net::Task<store::Result<store::Contents>> load(base::Nanoseconds limit);
  net::Task<store::Result<void>> commit(std::vector<store::Change> changes, base::Nanoseconds limit);
  // Ends when somebody else has written, or after `limit`.
  net::Task<store::Result<void>> watch(base::Nanoseconds limit);

  // The store has, or may have, a revision that the catalog does not know: load() before the next commit.
  bool is_behind() const { return is_behind_; }
  // The contents loaded last could not be made use of.
  void look_again() { is_behind_ = true; }

 private:
  store::Store& store_;
  std::uint64_t revision_ = 0;  // the last one that was loaded or committed
  bool is_behind_ = false;
};

}  // namespace weir::control
