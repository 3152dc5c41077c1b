// A pipe as a place inside the kernel for bytes on their way from one socket to another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <sys/types.h>
#include <utility>

#include "base/error.h"
#include "net/descriptor_budget.h"

namespace weir::net {

// Taken from and given back to the thread, which keeps some; move-only. Nothing here waits.
class Pipe {
 public:
  // The capacity of one pipe; less where the system's limits for pipes are used up, which only costs speed.
  static constexpr std::size_t kBytes = 256 * 1024;

  // Error{exhausted} when descriptors ran out, or the thread's budget allows no more.
  static base::Result<Pipe> take();
  // From now on pipes of this thread count in `budget`, which outlives the thread.
  static void count_in(DescriptorBudget& budget);
  Pipe(Pipe&& other) noexcept : ends_(std::exchange(other.ends_, {-1, -1})), held_(std::exchange(other.held_, 0)) {}
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe();

  // Moves bytes from `socket` into the pipe, or from the pipe to `socket`, `at_most` so many: how many it was; -1 with
  // errno. `more`: further bytes will follow at once, so that the kernel may hold back a segment that is not full.
  ssize_t fill(int socket, std::size_t at_most);
  ssize_t drain(int socket, bool more);
  std::size_t held() const { return held_; }

 private:
  explicit Pipe(std::array<int, 2> ends) : ends_(ends) {}
  std::array<int, 2> ends_;
  std::size_t held_ = 0;
};

}  // namespace weir::net
