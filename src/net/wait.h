// Leaf operations that wait for something other than a peer.
#pragma once

#include <coroutine>

#include "base/error.h"
#include "net/reactor.h"
#include "net/task.h"
#include "net/turn.h"

namespace weir::net {

// The common part of all leaf operations: suspends one chain of tasks and resumes it once.
template <typename Interface>
class Suspension : public Interface {
 protected:
  // False when the chain is cancelled already and must not suspend.
  template <typename Promise>
  bool suspend(std::coroutine_handle<Promise> handle) {
    context_ = handle.promise().context();
    handle_ = handle;
    if (context_->cancelled()) return false;
    context_->begin_wait(this);
    return true;
  }
  bool suspended() const { return handle_ != nullptr; }
  void resume() {
    context_->end_wait();
    std::exchange(handle_, nullptr).resume();
  }
  // Resumes from the reactor's loop instead of here.
  void resume_later() {
    context_->end_wait();
    Reactor::current().schedule(std::exchange(handle_, nullptr));
  }
  ~Suspension() = default;

 private:
  TaskContext* context_ = nullptr;
  std::coroutine_handle<> handle_;
};

// `Result<void> slept = co_await sleep_until(when);` Error{cancelled} when interrupted.
class sleep_until final : public Suspension<Wait>, private TimerNode {
 public:
  explicit sleep_until(base::TimePoint when) : when_(when) {}
  bool await_ready() const { return false; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!suspend(handle)) {
      cancelled_ = true;
      return false;
    }
    Reactor& reactor = Reactor::current();
    reactor.timers().arm(*this, reactor.tick(when_));
    return true;
  }
  base::Result<void> await_resume() const {
    if (cancelled_) return base::fail(base::ErrorCode::cancelled, "sleep");
    return {};
  }
  void cancel() override {
    cancelled_ = true;
    Reactor::current().timers().disarm(*this);
    resume_later();
  }

 private:
  void on_timer() override { resume(); }
  base::TimePoint when_;
  bool cancelled_ = false;
};

inline sleep_until sleep_for(base::Nanoseconds duration) { return sleep_until(Reactor::current().now() + duration); }

// Lets everything else that is ready run first. Not a cancellation point.
struct yield {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const { Reactor::current().schedule(handle); }
  void await_resume() const noexcept {}
};

// The same, once the turn is over: for loops that do much without an operation that may wait.
struct TurnEnd {
  bool await_ready() const noexcept { return !Turn::is_over(); }
  void await_suspend(std::coroutine_handle<> handle) const { Reactor::current().schedule(handle); }
  void await_resume() const noexcept {}
};

// One waiting coroutine, woken by code on the same thread: the building block of queues.
//   Waiter waiter; queue.push_back(&waiter); Result<void> woken = co_await waiter.wait_until(deadline);
// The waiting task removes the waiter from the queue again when the result is an error (timeout or cancelled).
class Waiter final : public Suspension<Wait>, private TimerNode {
 public:
  // Wakes the waiter, in this round of the reactor. Waking before the wait makes the wait return at once.
  void wake() {
    if (woken_) return;
    woken_ = true;
    if (!suspended()) return;
    Reactor::current().timers().disarm(*this);
    resume_later();
  }
  bool woken() const { return woken_; }
  Waiter& wait_until(base::TimePoint deadline) {
    deadline_ = deadline;
    return *this;
  }

  bool await_ready() const { return woken_; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!suspend(handle)) {
      error_ = base::ErrorCode::cancelled;
      return false;
    }
    Reactor& reactor = Reactor::current();
    Tick expires = reactor.tick(deadline_);
    if (expires != kNever) reactor.timers().arm(*this, expires);
    return true;
  }
  base::Result<void> await_resume() const {
    if (!woken_) return base::fail(error_, "wait");
    return {};
  }
  void cancel() override {
    error_ = base::ErrorCode::cancelled;
    Reactor::current().timers().disarm(*this);
    resume_later();
  }

 private:
  void on_timer() override {
    error_ = base::ErrorCode::timeout;
    resume();
  }
  base::TimePoint deadline_;
  base::ErrorCode error_ = base::ErrorCode::timeout;
  bool woken_ = false;
};

}  // namespace weir::net
