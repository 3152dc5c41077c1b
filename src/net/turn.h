// How much may be done before everything else on the thread has its turn.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::net {

// The budget of one turn: from the moment the reactor resumes something until the reactor is back. Whatever runs in
// between, one coroutine or several that resume each other, spends from the same budget. The operations of streams and
// listeners spend what they have done; once the turn is over, an operation that needs not wait gives its result in the
// next round of the reactor all the same. So no loop over operations keeps the worker, whatever its body does. A loop
// without operations says what it has done by spend(), and awaits TurnEnd.
//
// The unit is a byte copied in or out. Work of other kinds is weighed by its time beside that (loopback, one core:
// 64 KB by recv and send in 40 us, a small system call 4 us): a turn lasts some 100 to 300 us, and a round of the
// reactor between two turns, about 1 us, stays below one per cent of it.
class Turn {
 public:
  // As much as a pipe moves both in and out (net/pipe.h), which is a turn of bodies that are spliced.
  static constexpr std::int64_t kBytes = 512 * 1024;
  static constexpr std::int64_t kOperation = 16 * 1024;  // a system call, whatever it carries
  static constexpr std::int64_t kStream = 4 * 1024;      // a stream of HTTP/2 that goes on, its own operations apart
  static constexpr std::int64_t kFrame = 512;            // a frame of HTTP/2 without a body

  // For the reactor: a new turn.
  static void begin() { left_ = kBytes; }
  static void spend(std::int64_t bytes) { left_ -= bytes; }
  static bool is_over() { return left_ <= 0; }

 private:
  static inline constinit thread_local std::int64_t left_ = kBytes;
};

}  // namespace weir::net
