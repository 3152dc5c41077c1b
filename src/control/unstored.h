// Overrides of backends that apply and are not stored yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>

#include "base/clock.h"
#include "control/objects.h"

namespace weir::control {

// Which overrides are to be stored, and when to try again after that has failed: less and less often.
class Unstored {
 public:
  // The override of `key` has changed.
  void add(const BackendKey& key) {
    waiting_.insert(key);
    pause_ = kFirstPause;
  }
  bool contains(const BackendKey& key) const { return waiting_.contains(key) || under_way_.contains(key); }
  std::size_t size() const { return waiting_.size() + under_way_.size(); }
  bool is_due(base::TimePoint now) const { return !waiting_.empty() && now >= again_at_; }

  // Those of the commit that is about to be made; what is added from now on is not of it.
  const std::set<BackendKey>& begin_commit() {
    under_way_.swap(waiting_);
    return under_way_;
  }
  // How many are stored now.
  std::size_t end_commit(bool is_stored, base::TimePoint now) {
    std::size_t count = under_way_.size();
    if (!is_stored) {
      count = 0;
      waiting_.merge(under_way_);
      again_at_ = now + pause_;
      pause_ = std::min(2 * pause_, kLongestPause);
    } else {
      pause_ = kFirstPause;
    }
    under_way_.clear();
    return count;
  }

 private:
  static constexpr base::Nanoseconds kFirstPause = std::chrono::seconds(1);
  static constexpr base::Nanoseconds kLongestPause = std::chrono::minutes(1);
  std::set<BackendKey> waiting_;
  std::set<BackendKey> under_way_;
  base::TimePoint again_at_{};
  base::Nanoseconds pause_ = kFirstPause;
};

}  // namespace weir::control
