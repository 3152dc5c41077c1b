// The cycle of smooth weighted round robin, computed beforehand.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weir::balance {

// One full cycle (the sum of the weights long) in the order of nginx's smooth weighted round robin: every backend's
// credit grows by its weight, the one with the most (the first of equals) is taken and pays the sum. Weights 3, 1, 2
// give 0 2 0 1 2 0. Backends of equal weight move in lockstep, so only one of each weight has to be looked at: time is
// the sum of the weights times the number of different weights.
std::vector<std::uint32_t> smooth_schedule(std::span<const std::uint32_t> weights);

}  // namespace weir::balance
