// A client that is too slow while it is waited for (`min_rate` of listeners and routes).
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/clock.h"
#include "config/route.h"
#include "net/reactor.h"
#include "net/timer_wheel.h"

namespace weir::exchange {

// The client that is cut when it is too slow, and asked how far it is.
class PaceOwner {
 public:
  enum class Direction : std::uint8_t { request, response };
  // Bytes of that direction that the client has sent, or taken, so far. Asked at most twice in each grace.
  virtual std::uint64_t moved(Direction direction) = 0;
  // The client is waited for, and has moved too little. Called once at most, from the reactor's loop.
  virtual void too_slow(Direction direction) = 0;

 protected:
  ~PaceOwner() = default;
};

// Measures one direction of an exchange: only time in which the client is waited for counts, not what the backend or
// Weir itself takes. It looks each time that half of the grace has been waited. The client is too slow when it has
// moved less than the rate asks for between this look and the last but one: between one and two graces after it became
// so, which forgives pauses up to the grace. Costs nothing while nobody waits. The worker's thread only.
class Pace final : private net::TimerNode {
 public:
  // Until then, nothing is measured. With a rate of 0 nothing is either.
  void watch(PaceOwner& owner, PaceOwner::Direction direction, std::uint32_t bytes_per_second,
             base::Nanoseconds grace) {
    if (bytes_per_second == 0) return;
    owner_ = &owner;
    direction_ = direction;
    bytes_per_second_ = bytes_per_second;
    half_ = grace / 2;
  }
  void wait_begins() {
    if (owner_ == nullptr) return;
    waiting_ = true;
    since_ = net::Reactor::current().now();
    if (!armed()) arm();
  }
  void wait_ends() {
    if (!waiting_) return;
    waiting_ = false;
    waited_ += net::Reactor::current().now() - since_;
  }

 private:
  void arm();
  void on_timer() override;

  PaceOwner* owner_ = nullptr;
  PaceOwner::Direction direction_{};
  bool waiting_ = false;
  std::uint8_t looks_ = 0;  // 2 stands for more
  std::uint32_t bytes_per_second_ = 0;
  base::Nanoseconds half_{};
  base::TimePoint since_{};
  base::Nanoseconds waited_{};         // since the last look
  base::Nanoseconds waited_before_{};  // between that and the one before
  std::uint64_t moved_ = 0;            // at the last look
  std::uint64_t moved_before_ = 0;     // at the one before
};

// An operation whose wait is for the client: `co_await WaitForClient(pace, write)`. Costs nothing when it needs no
// wait.
template <typename Operation>
class WaitForClient {
 public:
  WaitForClient(Pace& pace, Operation& operation) : pace_(pace), operation_(operation) {}
  bool await_ready() { return operation_.await_ready(); }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    pace_.wait_begins();
    return operation_.await_suspend(handle);
  }
  auto await_resume() {
    pace_.wait_ends();
    return operation_.await_resume();
  }

 private:
  Pace& pace_;
  Operation& operation_;
};

}  // namespace weir::exchange
