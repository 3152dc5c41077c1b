// One change of the configuration at a time, in the order in which they came.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/error.h"
#include "net/task.h"
#include "net/wait.h"

namespace weir::control {

// Control thread only. A change waits for another one, which may wait for the store.
class ChangeQueue {
 public:
  // At most `bound` changes wait.
  explicit ChangeQueue(std::size_t bound = 64) : bound_(bound) {}
  ~ChangeQueue() { WEIR_ASSERT(waiting_.empty()); }
  ChangeQueue(const ChangeQueue&) = delete;
  ChangeQueue& operator=(const ChangeQueue&) = delete;

  // Its owner may change the configuration; the next one's turn comes when it is destroyed.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(queue_, other.queue_);
      return *this;
    }
    ~Turn() {
      if (queue_ != nullptr) queue_->leave();
    }

   private:
    friend class ChangeQueue;
    explicit Turn(ChangeQueue& queue) : queue_(&queue) {}
    ChangeQueue* queue_;
  };

  // Waits until it is the caller's turn. Error{queue_full} at once when too many wait, Error{timeout} at the deadline.
  net::Task<base::Result<Turn>> enter(base::TimePoint deadline);
  // The turn if nobody has it.
  std::optional<Turn> try_enter();

 private:
  void leave();

  std::size_t bound_;
  bool is_taken_ = false;  // also while the turn is under way to the next one
  std::deque<net::Waiter*> waiting_;
};

}  // namespace weir::control
