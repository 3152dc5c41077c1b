// Which backends of a pool take new work (DESIGN section 3, Semantics).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pool/backend.h"

namespace weir::pool {

// The facts that decide about one backend.
struct Candidate {
  BackendState state = BackendState::unknown;
  std::uint32_t weight = 1;  // after an operator's override; 0 takes no new work whatever the state
  bool has_address = true;   // false while its name resolves to nothing
  bool is_pending = false;   // without an address because the first look-up of its name is under way
};

struct Eligibility {
  std::vector<std::uint32_t> indexes;  // into the candidates, ascending
  bool degraded = false;               // unhealthy or draining backends are among them
};

// Normally the healthy backends and the unknown ones (no probe of theirs has ended yet; they count as healthy here). If
// those that can take work (weight above 0, an address) are fewer than `min_healthy`, those that are not ready are used
// as well, then all unhealthy ones; if they are still too few, the draining ones too. Disabled backends never. Those
// whose first look-up is under way are used when there is nothing else: work that comes to them waits for it. Pure.
Eligibility eligible(std::span<const Candidate> candidates, std::uint32_t min_healthy);

// Why none of them takes work, in numbers: "none of 2 backends takes requests: 1 unhealthy, 1 disabled".
std::string why_none_is_eligible(std::span<const Candidate> candidates);

}  // namespace weir::pool
