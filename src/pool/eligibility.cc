#include "pool/eligibility.h"

#include <array>
#include <fmt/format.h>
#include <string_view>

namespace weir::pool {
namespace {

// 0: takes work normally, 1 to 3: when too few of the turns before do, kNever: not at all.
constexpr std::uint8_t kNever = 4;
std::uint8_t turn(const Candidate& candidate) {
  if (candidate.weight == 0 || !candidate.has_address) return kNever;
  switch (candidate.state) {
    case BackendState::healthy:
    case BackendState::unknown:
      return 0;
    case BackendState::not_ready:
      return 1;
    case BackendState::unhealthy:
      return 2;
    case BackendState::draining:
      return 3;
    case BackendState::disabled:
      return kNever;
  }
  return kNever;
}

std::string_view obstacle(const Candidate& candidate) {
  if (candidate.state == BackendState::not_ready) return "not ready";
  if (candidate.state != BackendState::healthy && candidate.state != BackendState::unknown)
    return name(candidate.state);
  return candidate.weight == 0 ? "of weight 0" : "whose name does not resolve";
}

bool can_wait(const Candidate& candidate) {
  Candidate resolved = candidate;
  resolved.has_address = true;
  return !candidate.has_address && candidate.is_pending && turn(resolved) == 0;
}

}  // namespace

Eligibility eligible(std::span<const Candidate> candidates, std::uint32_t min_healthy) {
  std::array<std::uint32_t, kNever + 1> count{};
  for (const Candidate& candidate : candidates) ++count[turn(candidate)];
  std::uint8_t last_turn = 0;
  std::uint32_t chosen = count[0];
  while (chosen < min_healthy && last_turn + 1 < kNever) chosen += count[++last_turn];

  Eligibility result{.indexes = {}, .degraded = chosen > count[0]};
  result.indexes.reserve(chosen);
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (turn(candidates[i]) <= last_turn) result.indexes.push_back(i);
  }
  for (std::uint32_t i = 0; chosen == 0 && i < candidates.size(); ++i) {
    if (can_wait(candidates[i])) result.indexes.push_back(i);
  }
  return result;
}

std::string why_none_is_eligible(std::span<const Candidate> candidates) {
  if (candidates.empty()) return "the pool has no backends";
  std::string text =
      fmt::format("none of {} backend{} takes requests", candidates.size(), candidates.size() == 1 ? "" : "s");
  std::string_view separator = ": ";
  constexpr std::array<std::string_view, 6> kObstacles = {"unhealthy", "not ready",   "draining",
                                                          "disabled",  "of weight 0", "whose name does not resolve"};
  for (std::string_view one : kObstacles) {
    std::size_t count = 0;
    for (const Candidate& candidate : candidates) count += obstacle(candidate) == one ? 1 : 0;
    if (count == 0) continue;
    text += fmt::format("{}{} {}", separator, count, one);
    separator = ", ";
  }
  return text;
}

}  // namespace weir::pool
