#include "pool/eligibility.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <tuple>

#include "pool/ejection_quota.h"

namespace weir::pool {
namespace {

// 0: takes work normally, 1 to 3: when too few of the turns before do, kNever: not at all.
constexpr std::uint8_t kUnhealthy = 2, kNever = 4;
std::uint8_t turn_of_health(const Candidate& candidate) {
  if (candidate.weight == 0 || !candidate.has_address) return kNever;
  switch (candidate.state) {
    case BackendState::healthy:
    case BackendState::unknown:
      return 0;
    case BackendState::not_ready:
      return 1;
    case BackendState::unhealthy:
      return kUnhealthy;
    case BackendState::draining:
      return 3;
    case BackendState::disabled:
      return kNever;
  }
  return kNever;
}

std::uint8_t turn(const Candidate& candidate) {
  std::uint8_t turn = turn_of_health(candidate);
  return turn < kUnhealthy && !candidate.ejection.is_in() ? kUnhealthy : turn;
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

bool is_fit(const Candidate& candidate) { return turn_of_health(candidate) == 0; }

EjectionLimit limit_ejections(std::span<Candidate> candidates, double share) {
  std::uint32_t size = 0, fit = 0, by_operator = 0;
  std::vector<Candidate*> not_in;  // of those that are fit
  for (Candidate& candidate : candidates) {
    size += takes_new_work(candidate.state) && candidate.weight > 0 ? 1 : 0;
    if (!is_fit(candidate)) continue;
    ++fit;
    if (candidate.ejection.is_in()) continue;
    by_operator += candidate.by_operator ? 1 : 0;
    not_in.push_back(&candidate);
  }
  const std::uint32_t by_traffic = may_be_ejected(size, share);
  EjectionLimit limit{.out = std::min(std::max(by_traffic, by_operator), fit > 0 ? fit - 1 : 0),
                      .ejects = by_traffic > 0};
  if (not_in.size() <= limit.out) return limit;
  limit.kept_in = static_cast<std::uint32_t>(not_in.size()) - limit.out;
  std::ranges::sort(not_in, {},
                    [](const Candidate* one) { return std::tuple(one->by_operator, one->ejection.when(), one); });
  for (std::uint32_t i = 0; i < limit.kept_in; ++i) not_in[i]->ejection = {};
  return limit;
}

Eligibility eligible(std::span<const Candidate> candidates, std::uint32_t min_healthy) {
  std::array<std::uint32_t, kNever + 1> count{};
  for (const Candidate& candidate : candidates) ++count[turn(candidate)];
  std::uint8_t last_turn = 0;
  std::uint32_t chosen = count[0];
  while (chosen < min_healthy && last_turn + 1 < kNever) chosen += count[++last_turn];

  Eligibility result{.indexes = {}, .trials = {}, .degraded = chosen > count[0]};
  result.indexes.reserve(chosen);
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (turn(candidates[i]) <= last_turn) {
      result.indexes.push_back(i);
    } else if (candidates[i].ejection.is_tried() && turn_of_health(candidates[i]) <= last_turn) {
      result.trials.push_back(i);
    }
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
