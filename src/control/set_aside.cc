#include "control/set_aside.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <span>
#include <string_view>

namespace weir::control {
namespace {

void copy_all(std::span<const ObjectName> names, const Objects& from, Objects& to) {
  for (const ObjectName& name : names) copy(name, from, to);
}

// Halves the group until what is left out are single objects.
void bisect(const Objects& from, std::span<const ObjectName> group, Objects& fitting, const Judge& judge,
            Reasons& left_out) {
  if (group.empty()) return;
  Objects trial = fitting;
  copy_all(group, from, trial);
  Verdict verdict = judge(trial);
  if (verdict.faults.empty()) {
    fitting = std::move(trial);
  } else if (group.size() == 1) {
    left_out[group.front()] = reason_of(verdict.faults.front());
  } else {
    bisect(from, group.first(group.size() / 2), fitting, judge, left_out);
    bisect(from, group.subspan(group.size() / 2), fitting, judge, left_out);
  }
}

// Takes those that are certainly at fault out of the candidates, until no more are found. True when the rest fits.
bool drop_blamed(const Objects& from, std::vector<ObjectName>& candidates, Objects& fitting, const Judge& judge,
                 Reasons& left_out) {
  while (!candidates.empty()) {
    Objects trial = fitting;
    copy_all(candidates, from, trial);
    Verdict verdict = judge(trial);
    if (verdict.faults.empty()) {
      fitting = std::move(trial);
      return true;
    }
    Reasons blamed(verdict.blamed.begin(), verdict.blamed.end());
    std::size_t dropped = std::erase_if(candidates, [&](const ObjectName& name) {
      auto found = blamed.find(name);
      if (found != blamed.end()) left_out.insert(*found);
      return found != blamed.end();
    });
    if (dropped == 0) return false;
  }
  return true;
}

}  // namespace

Reasons add_fitting(const Objects& from, std::vector<ObjectName> candidates, Objects& fitting, const Judge& judge) {
  Reasons left_out;
  if (drop_blamed(from, candidates, fitting, judge, left_out)) return left_out;
  Reasons first;
  bisect(from, candidates, fitting, judge, first);
  // Some are in order only once a later one is there.
  std::vector<ObjectName> again;
  std::ranges::copy_if(candidates, std::back_inserter(again),
                       [&](const ObjectName& name) { return first.contains(name); });
  bisect(from, again, fitting, judge, left_out);
  return left_out;
}

std::vector<ObjectName> in_order(const SetAsides& all) {
  std::vector<const SetAsides::value_type*> sorted;
  for (const auto& entry : all) sorted.push_back(&entry);
  std::ranges::sort(sorted, [](const auto* left, const auto* right) {
    std::size_t left_rank = rank_of(left->first.kind), right_rank = rank_of(right->first.kind);
    if (left_rank != right_rank) return left_rank < right_rank;
    if (left->second.revision != right->second.revision) return left->second.revision > right->second.revision;
    return left->first < right->first;
  });
  std::vector<ObjectName> names;
  for (const auto* entry : sorted) names.push_back(entry->first);
  return names;
}

std::string reason_of(const config::Fault& fault) {
  std::string_view path = fault.path;
  for (std::string_view list : {"pools[", "listeners[", "backends["}) {
    if (!path.starts_with(list)) continue;
    std::size_t end = path.find(']');
    path.remove_prefix(std::min(path.size(), end == std::string_view::npos ? 0 : end + 1));
    if (path.starts_with('.')) path.remove_prefix(1);
  }
  std::string reason = path.empty() ? fault.message : fmt::format("{}: {}", path, fault.message);
  if (fault.at.line > 0 && !fault.at.from_api()) reason += fmt::format(" ({}:{})", fault.at.file, fault.at.line);
  return reason;
}

}  // namespace weir::control
