// The lookup table of Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4).
#pragma once

#include <cstdint>
#include <vector>

#include "pool/backend.h"

namespace weir::balance {

// The largest table that may be asked for.
inline constexpr std::uint32_t kLargestMaglevTable = 5'000'011;

// The size used when none is asked for: the smallest of a few primes with at least 100 slots for each backend, which
// keeps the shares of equal backends within one percent. The primes lie far apart because a table of another size puts
// nearly every key elsewhere; who lets a set grow past 81, 655, 2,621 or 10,000 backends can fix the size beforehand.
std::uint32_t default_maglev_size(std::size_t backends);

// The smallest prime that is at least `wanted` and leaves a slot for each of `backends`.
std::uint32_t maglev_size_for(std::uint32_t wanted, std::size_t backends);

// `size` (a prime, at least one per backend) slots, each the index of a backend. Every backend walks its own
// permutation of the slots, derived from its id alone, and takes the next free one whenever it is its turn; turns come
// as often as weights say, at least once. The order of the set does not matter.
std::vector<std::uint32_t> maglev_table(const pool::BackendSet& backends, std::uint32_t size);

}  // namespace weir::balance
