#include "pool/addresses.h"

namespace weir::pool {
namespace {

constexpr std::uint64_t kHashBits = 0xffffffff00000000u;

std::uint64_t hash_of(const base::IpAddress& address) { return address.hash() & kHashBits; }

std::uint32_t seconds(base::TimePoint time) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

bool FailedAddresses::add(const base::IpAddress& address, base::TimePoint now) {
  std::uint64_t hash = hash_of(address);
  std::atomic<std::uint64_t>* free = nullptr;
  for (std::atomic<std::uint64_t>& place : places_) {
    std::uint64_t value = place.load(std::memory_order_relaxed);
    bool over = static_cast<std::uint32_t>(value) < seconds(now);
    if ((value & kHashBits) == hash) {
      place.store(hash | seconds(now + kTriedLastFor), std::memory_order_relaxed);
      return over;
    }
    if (free == nullptr && over) free = &place;
  }
  if (free != nullptr) free->store(hash | seconds(now + kTriedLastFor), std::memory_order_relaxed);
  return free != nullptr;
}

bool FailedAddresses::remove(const base::IpAddress& address) {
  for (std::atomic<std::uint64_t>& place : places_) {
    std::uint64_t value = place.load(std::memory_order_relaxed);
    if (value == 0 || (value & kHashBits) != hash_of(address)) continue;
    place.store(0, std::memory_order_relaxed);
    return true;
  }
  return false;
}

bool FailedAddresses::contains(const base::IpAddress& address, base::TimePoint now) const {
  for (const std::atomic<std::uint64_t>& place : places_) {
    std::uint64_t value = place.load(std::memory_order_relaxed);
    if ((value & kHashBits) == hash_of(address)) return static_cast<std::uint32_t>(value) >= seconds(now);
  }
  return false;
}

AddressRound::AddressRound(std::span<const base::SocketAddress> addresses, std::uint32_t first,
                           const FailedAddresses& failed, base::TimePoint now) {
  auto count = static_cast<std::uint32_t>(addresses.size());
  if (count < 2) return;
  first_ = first % count;
  for (std::uint32_t i = 0; i < count && i < 64; ++i) {
    if (failed.contains(addresses[i].ip, now)) late_ |= std::uint64_t{1} << i;
  }
}

const base::SocketAddress* AddressRound::next(std::span<const base::SocketAddress> addresses) {
  auto count = static_cast<std::uint32_t>(addresses.size());
  while (steps_ < 2 * count) {
    bool for_the_late = steps_ >= count;
    std::uint32_t index = (first_ + steps_++) % count;
    bool is_late = index < 64 && (late_ >> index & 1) != 0;
    if (is_late != for_the_late) continue;
    present_ = index;
    return &addresses[index];
  }
  return nullptr;
}

}  // namespace weir::pool
