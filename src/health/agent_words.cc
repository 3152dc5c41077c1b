#include "health/agent_words.h"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/text.h"
#include "health/printable.h"

namespace weir::health {
namespace {

using Admin = AgentWords::Admin;
using Service = AgentWords::Service;

constexpr std::uint32_t kMaxPercent = 100'000;
constexpr std::uint32_t kMaxWeight = 1000;
constexpr std::array<std::pair<std::string_view, Admin>, 3> kAdmins{
    {{"ready", Admin::ready}, {"drain", Admin::drain}, {"maint", Admin::maint}}};
constexpr std::array<std::pair<std::string_view, Service>, 4> kServices{
    {{"up", Service::up}, {"down", Service::down}, {"fail", Service::fail}, {"stopped", Service::stopped}}};

template <typename Value, std::size_t Count>
std::optional<Value> find(const std::array<std::pair<std::string_view, Value>, Count>& table, std::string_view word) {
  for (const auto& [name, value] : table) {
    if (name == word) return value;
  }
  return std::nullopt;
}

template <typename Value, std::size_t Count>
std::string_view name_in(const std::array<std::pair<std::string_view, Value>, Count>& table, Value value) {
  for (const auto& [name, one] : table) {
    if (one == value) return name;
  }
  return {};
}

// Whether `word`, in lower case, is one of the protocol's.
bool take_word(std::string_view word, AgentWords& words) {
  constexpr std::string_view kWeight = "weight:", kMaxConnections = "maxconn:";
  if (auto admin = find(kAdmins, word)) return words.admin = admin, true;
  if (auto service = find(kServices, word)) return words.service = service, true;
  if (word.starts_with(kMaxConnections)) {
    std::optional<std::uint64_t> number = base::parse_unsigned(word.substr(kMaxConnections.size()), UINT32_MAX);
    if (number) words.max_connections = static_cast<std::uint32_t>(*number);
    return number.has_value();
  }
  bool is_named = word.starts_with(kWeight);
  if (is_named) word.remove_prefix(kWeight.size());
  bool is_percent = word.ends_with('%');
  if (is_percent) word.remove_suffix(1);
  if (!is_named && !is_percent) return false;
  std::optional<std::uint64_t> number = base::parse_unsigned(word, is_percent ? kMaxPercent : kMaxWeight);
  if (!number) return false;
  // The later one of both counts.
  words.percent.reset();
  words.weight.reset();
  (is_percent ? words.percent : words.weight) = static_cast<std::uint32_t>(*number);
  return true;
}

}  // namespace

AgentWords AgentWords::read(std::string_view line) {
  constexpr std::string_view kSeparators = " \t,";
  AgentWords words;
  std::size_t sharp = line.find('#');
  if (sharp != std::string_view::npos) {
    words.reason = printable(base::trim(line.substr(sharp + 1)));
    line = line.substr(0, sharp);
  }
  while (true) {
    std::size_t begin = line.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) return words;
    std::size_t end = std::min(line.find_first_of(kSeparators, begin), line.size());
    std::string_view word = line.substr(begin, end - begin);
    if (!take_word(base::to_lower(word), words) && words.unknown.empty()) words.unknown = printable(word);
    line.remove_prefix(end);
  }
}

std::string_view AgentVerdict::state_name() const {
  if (admin == Admin::maint) return "maint";
  if (drains()) return "drain";
  return is_down() ? "down" : "ready";
}

std::string AgentVerdict::text() const {
  std::string text(name_in(kAdmins, admin));
  auto add = [&](std::string more) { text += (text.empty() ? "" : ", ") + more; };
  if (admin == Admin::ready) text.clear();
  if (percent) add(fmt::format("{}%", *percent));
  if (weight) add(fmt::format("weight:{}", *weight));
  if (max_connections) add(fmt::format("maxconn:{}", *max_connections));
  if (is_down()) add(fmt::format("{}{}{}", name_in(kServices, service), reason.empty() ? "" : ": ", reason));
  return text.empty() ? "ready" : text;
}

bool AgentState::hear(std::string_view line, base::TimePoint now) {
  AgentWords words = AgentWords::read(line);
  AgentVerdict before = verdict_;
  if (words.percent || words.weight) {
    verdict_.percent = words.percent;
    verdict_.weight = words.weight;
  }
  if (words.max_connections) verdict_.max_connections = words.max_connections;
  if (words.admin) verdict_.admin = *words.admin;
  if (words.service) {
    verdict_.service = *words.service;
    verdict_.reason = verdict_.is_down() ? std::move(words.reason) : std::string();
  }
  line_ = printable(line);
  heard_at_ = now;
  error_ = words.unknown.empty() ? std::string() : fmt::format("unknown word '{}'", words.unknown);
  return verdict_ != before;
}

bool AgentState::miss(std::string why, base::Nanoseconds ttl, base::TimePoint now) {
  error_ = std::move(why);
  if (!heard_at_ || now - *heard_at_ < ttl) return false;
  heard_at_.reset();
  line_.clear();
  return std::exchange(verdict_, AgentVerdict()) != AgentVerdict();
}

}  // namespace weir::health
