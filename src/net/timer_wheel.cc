#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <new>

namespace weir::net {

TimerWheel::TimerWheel() {
  for (auto& level : slots_) {
    for (Head& head : level) head.next_ = head.prev_ = &head;
  }
}

TimerWheel::~TimerWheel() {
  for (auto& level : slots_) {
    for (Head& head : level) {
      while (!is_empty(head)) head.next_->unlink();
      head.next_ = head.prev_ = nullptr;
    }
  }
}

void TimerWheel::arm(TimerNode& node, Tick expires) {
  node.unlink();
  node.expires_ = expires;
  place(node);
}

// A node lies on the level of the highest digit (base kSlots) in which its expiry differs from now.
void TimerWheel::place(TimerNode& node) {
  Tick expires = std::clamp(node.expires_, now_ + 1, now_ + (Tick{1} << (kBits * kLevels)) - 1);
  unsigned level = (63 - static_cast<unsigned>(std::countl_zero((expires ^ now_) | 1))) / kBits;
  level = std::min(level, kLevels - 1);
  unsigned slot = (expires >> (level * kBits)) & (kSlots - 1);
  Head& head = slots_[level][slot];
  node.next_ = &head;
  node.prev_ = head.prev_;
  head.prev_->next_ = &node;
  head.prev_ = &node;
  occupied_[level] |= std::uint64_t{1} << slot;
}

// The others fire, also when one lacks memory for what it is to do.
void TimerWheel::fire(TimerNode& node) {
  try {
    node.on_timer();
  } catch (const std::bad_alloc&) {
  }
}

// Spreads the slot that `now_` has entered on `level` over the levels below it.
void TimerWheel::cascade(unsigned level) {
  unsigned slot = (now_ >> (level * kBits)) & (kSlots - 1);
  Head& head = slots_[level][slot];
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  while (!is_empty(head)) {
    TimerNode& node = *head.next_;
    node.unlink();
    if (node.expires_ <= now_) {
      fire(node);
    } else {
      place(node);
    }
  }
}

void TimerWheel::advance(Tick now) {
  while (now_ < now) {
    Tick next = next_expiry();
    if (next > now) {
      // Nothing expires and no slot that holds anything is entered on the way.
      now_ = now;
      return;
    }
    now_ = next;
    for (unsigned level = kLevels - 1; level > 0; --level) {
      if ((now_ & ((Tick{1} << (level * kBits)) - 1)) == 0) cascade(level);
    }
    cascade(0);
  }
}

Tick TimerWheel::next_expiry() const {
  for (unsigned level = 0; level < kLevels; ++level) {
    unsigned shift = level * kBits;
    unsigned position = (now_ >> shift) & (kSlots - 1);
    // Slots after the present one of this level, in the order they come up before the level above moves on.
    std::uint64_t ahead = position + 1 == kSlots ? 0 : occupied_[level] & (~std::uint64_t{0} << (position + 1));
    while (ahead != 0) {
      unsigned slot = static_cast<unsigned>(std::countr_zero(ahead));
      if (!is_empty(slots_[level][slot])) {
        Tick block = (now_ >> (shift + kBits)) << (shift + kBits);
        return block + (Tick{slot} << shift);
      }
      occupied_[level] &= ~(std::uint64_t{1} << slot);
      ahead &= ahead - 1;
    }
  }
  // The remaining timers lie behind the present position of the top level, which wraps around.
  unsigned shift = (kLevels - 1) * kBits;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    if (!is_empty(slots_[kLevels - 1][slot])) {
      return (((now_ >> (shift + kBits)) + 1) << (shift + kBits)) + (Tick{slot} << shift);
    }
  }
  return kNever;
}

}  // namespace weir::net
