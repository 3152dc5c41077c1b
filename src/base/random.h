// A small fast generator for choices that need no secrecy. One per thread; not thread-safe.
#pragma once

#include <cstdint>

#include "base/hash.h"

namespace weir::base {

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  static Random seeded() { return Random(HashKey::random().first); }

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
  // Uniform in [0, bound), bound > 0 (Lemire's multiplication; the bias is below bound / 2^64).
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace weir::base
