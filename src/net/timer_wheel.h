// A hierarchical timer wheel (Varghese, Lauck 1987): O(1) to arm and to disarm, one millisecond a tick.
#pragma once

#include <array>
#include <cstdint>

namespace weir::net {

// Milliseconds since the reactor began.
using Tick = std::uint64_t;
inline constexpr Tick kNever = UINT64_MAX;

// A place in the wheel, embedded in what waits. Disarmed on destruction.
class TimerNode {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  bool armed() const { return next_ != nullptr; }
  Tick expires() const { return expires_; }

  // The tick has passed; the node is no longer armed.
  virtual void on_timer() = 0;

 protected:
  ~TimerNode() { unlink(); }

 private:
  friend class TimerWheel;
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }
  TimerNode* next_ = nullptr;
  TimerNode* prev_ = nullptr;
  Tick expires_ = 0;
};

// Reactor's thread only.
class TimerWheel {
 public:
  TimerWheel();
  ~TimerWheel();

  // Arms or moves `node`. A tick in the past expires at the next advance().
  void arm(TimerNode& node, Tick expires);
  void disarm(TimerNode& node) { node.unlink(); }
  // Calls on_timer() of every node that expires at or before `now`.
  void advance(Tick now);
  // Every node that expires at or before it has been called, or is being called.
  Tick now() const { return now_; }
  // The tick by which advance() should be called next: never late, possibly early; kNever when nothing is armed.
  Tick next_expiry() const;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1u << kBits;
  static constexpr unsigned kLevels = 6;  // 2^36 ms: two years

  struct Head final : TimerNode {
    void on_timer() override {}
  };
  void place(TimerNode& node);
  void cascade(unsigned level);
  static void fire(TimerNode& node);
  static bool is_empty(const Head& head) { return head.next_ == &head; }

  std::array<std::array<Head, kSlots>, kLevels> slots_;
  // A bit per slot that may hold something; cleared when found empty.
  mutable std::array<std::uint64_t, kLevels> occupied_{};
  Tick now_ = 0;
};

}  // namespace weir::net
