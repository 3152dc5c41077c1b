#include "pool/endpoint.h"

#include "base/hash.h"

namespace weir::pool {

std::size_t EndpointIdentity::hash() const { return base::mix(base::hash_text(host) ^ port); }

bool operator==(const EndpointIdentity& one, const EndpointIdentity& other) {
  return one.port == other.port && one.host == other.host &&
         (one.protocol == other.protocol || *one.protocol == *other.protocol);
}

void Endpoint::connected() {
  // Most find nothing to reset, and leave the line to the caches of all workers.
  if (consecutive_connect_failures_.load(std::memory_order_relaxed) == 0) return;
  consecutive_connect_failures_.store(0, std::memory_order_relaxed);
  suspended_until_.store(0, std::memory_order_relaxed);
}

void Endpoint::connect_failed(base::TimePoint now) {
  std::uint32_t in_a_row = consecutive_connect_failures_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (in_a_row < kFailuresToSuspend) return;
  suspended_until_.store((now + kSuspension).time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace weir::pool
