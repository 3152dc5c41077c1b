// Which backends of a pool take new work (DESIGN section 3, Semantics).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pool/backend.h"
#include "pool/ejection_state.h"

namespace weir::pool {

// The facts that decide about one backend.
struct Candidate {
  BackendState state = BackendState::unknown;
  std::uint32_t weight = 1;  // after an operator's override; 0 takes no new work whatever the state
  bool has_address = true;   // false while its name resolves to nothing
  bool is_pending = false;   // without an address because the first look-up of its name is under way
  EjectionState ejection{};  // of its endpoint; `in` where the pool has no passive checks
  bool by_operator = false;  // an operator has ejected it, whatever the pool's limit
};

// How far the pool's limit of ejections goes.
struct EjectionLimit {
  std::uint32_t out = 0;      // so many that would get work may be out: those that are, and those still to be ejected
  std::uint32_t kept_in = 0;  // not in, and in use: more are out than may be, or no other is left
  bool ejects = true;         // false: none may ever be, for want of others or by `share`
};

struct Eligibility {
  std::vector<std::uint32_t> indexes;  // into the candidates, ascending
  std::vector<std::uint32_t> trials;   // of the rest those that are half-open or in trial and would get work, ascending
  bool degraded = false;               // unhealthy, ejected or draining backends are among them
};

// Whether it would get work if it was not ejected.
bool is_fit(const Candidate& candidate);

// Lets the pool's limit hold: of candidates that are not in, where those are too many, the ones whose time ends first
// become `in`. At most `share` of all that are neither disabled nor draining nor of weight 0 are out, one at least of
// two, those that an operator has ejected in any case; but never the last one that is fit. What is not fit, whatever
// its ejection, is not counted among those that are out. Pure.
EjectionLimit limit_ejections(std::span<Candidate> candidates, double share);

// Normally the healthy backends and the unknown ones (no probe of theirs has ended yet; they count as healthy here). If
// those that can take work (weight above 0, an address, in) are fewer than `min_healthy`, those that are not
// ready are used as well, then all unhealthy ones and those that are not in; if they are still too few, the draining
// ones too. Disabled backends never. Those whose first look-up is under way are used when there is nothing else: work
// that comes to them waits for it. Pure.
Eligibility eligible(std::span<const Candidate> candidates, std::uint32_t min_healthy);

// Why none of them takes work, in numbers: "none of 2 backends takes requests: 1 unhealthy, 1 disabled".
std::string why_none_is_eligible(std::span<const Candidate> candidates);

}  // namespace weir::pool
