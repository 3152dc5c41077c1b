// The addresses of a backend, and in which order they are tried.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"

namespace weir::pool {

using Addresses = std::vector<base::SocketAddress>;

// Addresses of one backend that could not be used lately: they are tried last for a while. A fixed table of relaxed
// atomics; any thread. It is a hint: an address that finds no place in it is tried in its turn.
class FailedAddresses {
 public:
  static constexpr std::size_t kPlaces = 8;
  static constexpr auto kTriedLastFor = std::chrono::seconds(30);

  // True when it was not among them.
  bool add(const base::IpAddress& address, base::TimePoint now);
  // True when it was among them.
  bool remove(const base::IpAddress& address);
  bool contains(const base::IpAddress& address, base::TimePoint now) const;

 private:
  // The upper half of each is a hash of the address, the lower one the end in seconds of the steady clock; 0: free.
  std::array<std::atomic<std::uint64_t>, kPlaces> places_{};
};

// One round over the addresses of a backend: every one once, those that failed lately behind all others. The same
// addresses are given to each call.
class AddressRound {
 public:
  AddressRound() = default;
  // Begins with the address number `first`, modulo their count.
  AddressRound(std::span<const base::SocketAddress> addresses, std::uint32_t first, const FailedAddresses& failed,
               base::TimePoint now);
  // The next one, or null after the last.
  const base::SocketAddress* next(std::span<const base::SocketAddress> addresses);
  // The address that next() returned last; it must have returned one.
  const base::SocketAddress& present(std::span<const base::SocketAddress> addresses) const {
    return addresses[present_];
  }

 private:
  std::uint64_t late_ = 0;  // a bit for each of the first 64 addresses
  std::uint32_t first_ = 0;
  std::uint32_t steps_ = 0;
  std::uint32_t present_ = 0;
};

}  // namespace weir::pool
