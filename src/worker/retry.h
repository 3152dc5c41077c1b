// Whether work that has failed on one backend may be done again on another: the same rule for exchanges, TCP
// connections and UDP flows.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace weir::worker {

// How far the work had got when its try failed.
struct RetryFacts {
  bool can_repeat = true;     // nothing of the response was sent, and the whole request is still in memory
  bool is_idempotent = true;  // doing it twice does no harm (RFC 9110 9.2.2)
  bool stale = false;         // a connection that had served others died under it before a byte came back
  bool was_repeated = false;  // this try was itself the repetition after a stale connection
};

enum class Retry : std::uint8_t {
  no,
  same_backend,     // once more on a new connection, at no cost to the budget: the backend only closed an idle one
  another_backend,  // if attempts and budget allow
};

// Only what can be repeated in full, and is idempotent or certainly never reached the backend (`error.retry_helps`
// where the connection was not stale), is tried again. Never after the client's own errors, a cancellation, a wait in a
// queue, a timeout that the backend may spend working, or for lack of memory.
Retry retry_after(const base::Error& error, const RetryFacts& work);

}  // namespace weir::worker
