#include "tls/handshake_limit.h"

#include <algorithm>
#include <string_view>

namespace weir::tls {
namespace {

// An IPv6 client has its whole /64.
constexpr std::size_t kNetworkBytes = 8;

}  // namespace

HandshakeLimit::HandshakeLimit(std::uint32_t per_second)
    : step_(1'000'000'000 / per_second),
      tolerance_(step_ * static_cast<std::int64_t>(std::max(kBurst, per_second) - 1)),
      sets_(std::make_unique<std::array<std::array<Place, kWays>, kSets>>()) {}

bool HandshakeLimit::admit(const base::IpAddress& client, base::TimePoint now) {
  auto bytes = client.bytes();
  if (client.is_v6()) bytes = bytes.first(kNetworkBytes);
  std::uint64_t who = base::keyed_hash(key_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}) | 1;
  std::int64_t at = now.time_since_epoch().count();
  auto& set = (*sets_)[(who >> 32) % kSets];
  Place* place = nullptr;
  for (Place& one : set) {
    if (one.who.load(std::memory_order_relaxed) == who) place = &one;
  }
  if (place == nullptr) {
    place =
        &*std::ranges::min_element(set, {}, [](const Place& one) { return one.due.load(std::memory_order_relaxed); });
    place->who.store(who, std::memory_order_relaxed);
    place->due.store(0, std::memory_order_relaxed);
  }
  std::int64_t due = place->due.load(std::memory_order_relaxed);
  std::int64_t next;
  do {
    if (due - at > tolerance_) return false;
    next = std::max(due, at) + step_;
  } while (!place->due.compare_exchange_weak(due, next, std::memory_order_relaxed));
  return true;
}

}  // namespace weir::tls
