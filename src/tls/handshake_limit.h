// How many handshakes a client address may make: they are what costs a server most.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/cell_rate.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ip.h"

namespace weir::tls {

// A rate for each subscriber, in a table of fixed size. All workers share it without locks; of addresses that meet in a
// full set, the one that has been quiet for longest is forgotten, and two that race for a place may be let through once
// more. Any thread.
class HandshakeLimit {
 public:
  // A second's worth, and at least kBurst, may come at once.
  explicit HandshakeLimit(std::uint32_t per_second);
  bool admit(const base::IpAddress& client, base::TimePoint now);
  static constexpr std::uint32_t kBurst = 10;

 private:
  static constexpr std::size_t kSets = 4096;
  static constexpr std::size_t kWays = 4;
  struct Place {
    std::atomic<std::uint64_t> who{0};  // a keyed hash; 0: free
    std::atomic<std::int64_t> due{0};   // see CellRate
  };

  base::HashKey key_ = base::HashKey::random();
  base::CellRate rate_;
  std::unique_ptr<std::array<std::array<Place, kWays>, kSets>> sets_;
};

}  // namespace weir::tls
