// Ends a group of tasks at a time.
#pragma once

#include "net/reactor.h"
#include "net/task_group.h"

namespace weir::net {

// While it lives: cancels all of `group` when `when` has come. Reactor's thread only; must not outlive the group.
class CancelAt final : private TimerNode {
 public:
  CancelAt(TaskGroup& group, base::TimePoint when) : group_(group) {
    Reactor& reactor = Reactor::current();
    if (Tick due = reactor.tick(when); due != kNever) reactor.timers().arm(*this, due);
  }
  bool passed() const { return passed_; }
  // It is in time.
  void stop() { Reactor::current().timers().disarm(*this); }

 private:
  void on_timer() override {
    passed_ = true;
    group_.cancel();
  }
  TaskGroup& group_;
  bool passed_ = false;
};

}  // namespace weir::net
