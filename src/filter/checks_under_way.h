// A password that several requests of one worker bring at the same time is checked once.
#pragma once

#include <vector>

#include "base/intrusive_list.h"
#include "filter/known_passwords.h"
#include "net/wait.h"

namespace weir::filter {

// The checks of each worker, which only that worker uses.
class ChecksUnderWay {
 public:
  explicit ChecksUnderWay(std::uint32_t workers) : checks_(workers) {}

  // A request that waits for what comes of another one's check.
  struct Follower : base::ListHook<Follower> {
    net::Waiter waiter;
  };
  // While it lives, its owner checks the password with that tag. Then all that follow look again.
  class Leader : public base::ListHook<Leader> {
   public:
    Leader(ChecksUnderWay& all, std::uint32_t worker, const KnownPasswords::Tag& tag)
        : checks_(all.checks_[worker]), tag_(tag) {
      checks_.push_back(*this);
    }
    Leader(const Leader&) = delete;
    Leader& operator=(const Leader&) = delete;
    ~Leader() {
      checks_.remove(*this);
      while (Follower* follower = followers_.pop_front()) follower->waiter.wake();
    }
    const KnownPasswords::Tag& tag() const { return tag_; }

    // Until the check has ended. Error{timeout} or {cancelled}.
    net::Task<base::Result<void>> follow(base::TimePoint deadline) {
      Follower follower;
      followers_.push_back(follower);
      base::Result<void> woken = co_await follower.waiter.wait_until(deadline);
      // Linked: the check is under way still, and so this object lives.
      if (follower.linked()) followers_.remove(follower);
      co_return woken;
    }

   private:
    base::IntrusiveList<Leader>& checks_;
    KnownPasswords::Tag tag_;
    base::IntrusiveList<Follower> followers_;
  };

  // The request that checks the password with that tag; null: none does.
  Leader* find(std::uint32_t worker, const KnownPasswords::Tag& tag) {
    Leader* found = nullptr;
    checks_[worker].for_each([&](Leader& leader) {
      if (leader.tag() == tag) found = &leader;
    });
    return found;
  }

 private:
  std::vector<base::IntrusiveList<Leader>> checks_;
};

}  // namespace weir::filter
