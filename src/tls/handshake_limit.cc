#include "tls/handshake_limit.h"

#include <algorithm>
#include <string_view>

namespace weir::tls {
HandshakeLimit::HandshakeLimit(std::uint32_t per_second)
    : rate_(per_second, std::max(kBurst, per_second)),
      sets_(std::make_unique<std::array<std::array<Place, kWays>, kSets>>()) {}

bool HandshakeLimit::admit(const base::IpAddress& client, base::TimePoint now) {
  base::IpAddress subscriber = client.subscriber();
  auto bytes = subscriber.bytes();
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
  return rate_.admit(place->due, at);
}

}  // namespace weir::tls
