// Hashes. hash_bytes and mix are fast and for data that no client chooses to our harm; keyed_hash withstands chosen
// keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::base {

// XXH3, 64 bits.
std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t seed = 0);
inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0) {
  return hash_bytes(text.data(), text.size(), seed);
}

// Spreads one 64-bit number over all bits (the finalizer of SplitMix64).
constexpr std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

struct HashKey {
  std::uint64_t first;
  std::uint64_t second;
  static HashKey random();  // from the kernel's generator
};

// SipHash-1-3 (Aumasson, Bernstein 2012), for tables whose keys clients choose.
std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes);

}  // namespace weir::base
