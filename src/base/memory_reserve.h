// Address space kept back for what is under way when the system gives no more
// memory.
#pragma once

#include <atomic>

// Process-wide, as the handler of operator new is. Any thread.
namespace weir::base::memory_reserve {

inline constinit std::atomic<bool> whole{true};

// Keeps some back; operator new falls back on it from now on, a part at a time,
// and throws when there is none left.
void keep();
// False since memory could not be had: new work is refused then, so that what
// is under way has the rest.
inline bool is_whole() { return whole.load(std::memory_order_relaxed); }
// Tries to have all of it again. True when it is whole.
bool refill();

}  // namespace weir::base::memory_reserve
