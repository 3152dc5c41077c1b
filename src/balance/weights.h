// Effective weights of a set, as whole numbers.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "base/assert.h"
#include "pool/backend.h"

namespace weir::balance {

// weight * slow_start_percent: hundredths of a unit of weight. Asserts that it is above 0 and fits 32 bits.
inline std::uint32_t weight_in_hundredths(const pool::BackendEntry& entry) {
  std::uint64_t weight = std::uint64_t{entry.weight} * entry.slow_start_percent;
  WEIR_ASSERT(weight > 0 && weight <= UINT32_MAX);
  return static_cast<std::uint32_t>(weight);
}

// The effective weights divided by their greatest common divisor.
inline std::vector<std::uint32_t> reduced_weights(const pool::BackendSet& backends) {
  std::vector<std::uint32_t> weights;
  weights.reserve(backends.size());
  std::uint32_t divisor = 0;
  for (const pool::BackendEntry& entry : backends) {
    weights.push_back(weight_in_hundredths(entry));
    divisor = std::gcd(divisor, weights.back());
  }
  for (std::uint32_t& weight : weights) weight /= divisor;
  return weights;
}

inline std::uint64_t sum_of(const std::vector<std::uint32_t>& weights) {
  return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}

}  // namespace weir::balance
