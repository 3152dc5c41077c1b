// How single values are written: numbers, sizes, shares, durations and texts.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "config/contains.h"
#include "config/reader.h"

namespace weir::config {
namespace {

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
};
// Longer suffixes before their own endings.
constexpr std::array<Suffix, 5> kDurations{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Suffix, 4> kSizes{{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}}};
constexpr std::uint64_t kLargestCount = 1'000'000'000'000;  // times any factor fits 64 bits

// "16KB" as 16 * 1024. Nothing when it is no digits and one of the suffixes.
std::optional<std::uint64_t> with_suffix(std::string_view text, std::span<const Suffix> suffixes) {
  for (const Suffix& suffix : suffixes) {
    if (!text.ends_with(suffix.text)) continue;
    std::string_view digits = base::trim(text.substr(0, text.size() - suffix.text.size()));
    if (auto count = base::parse_unsigned(digits, kLargestCount)) return *count * suffix.factor;
  }
  return std::nullopt;
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
    default:
      return quoted(node.scalar);
  }
}

bool has_leading_zero(std::string_view text) {
  return text.size() > 1 && text.front() == '0' &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string range_text(double min, double max) {
  return max >= 1e18 ? fmt::format("{:.15g} or more", min) : fmt::format("from {:.15g} to {:.15g}", min, max);
}

std::string range_of_durations(const Rules& rules);

}  // namespace

std::optional<bool> Reader::boolean(const Node& node) {
  bool bare = node.kind == Node::Kind::plain || node.kind == Node::Kind::literal;
  // YAML 1.2 10.3.2; JSON has the first of each only.
  const std::string& word = node.scalar;
  if (bare && (word == "true" || word == "True" || word == "TRUE")) return true;
  if (bare && (word == "false" || word == "False" || word == "FALSE")) return false;
  fault(node,
        fmt::format("must be true or false, not {}{}", shown(node), node.kind == Node::Kind::text ? " in quotes" : ""));
  return std::nullopt;
}

std::optional<std::uint64_t> Reader::integer(const Node& node, const Rules& rules, std::uint64_t type_max) {
  double max = std::min(rules.max, static_cast<double>(type_max));
  if (node.is_scalar() && !rules.word_for_zero.empty() && node.scalar == rules.word_for_zero) return 0;
  std::optional<std::uint64_t> value;
  if (node.is_scalar() && rules.unit == Unit::bytes) value = with_suffix(node.scalar, kSizes);
  bool bare = node.kind == Node::Kind::plain || node.kind == Node::Kind::literal;
  if (bare && has_leading_zero(node.scalar)) {
    fault(node, fmt::format("{} may be read as an octal number; write it without the leading zero", shown(node)));
    return std::nullopt;
  }
  if (!value && bare) value = base::parse_unsigned(node.scalar);
  if (value && static_cast<double>(*value) >= rules.min && static_cast<double>(*value) <= max) return value;
  std::string quotes = node.kind == Node::Kind::text ? " in quotes" : "";
  std::string word = rules.word_for_zero.empty() ? "" : fmt::format("'{}' or ", rules.word_for_zero);
  std::string_view what = rules.unit == Unit::bytes ? "a size such as 4096, 16KB or 1MB," : "a whole number";
  fault(node, fmt::format("must be {}{} {}, not {}{}", word, what, range_text(rules.min, max), shown(node), quotes));
  return std::nullopt;
}

std::optional<double> Reader::number(const Node& node, const Rules& rules) {
  std::string_view text = node.scalar;
  bool percent = rules.unit == Unit::share && node.is_scalar() && text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool bare = node.kind == Node::Kind::plain || node.kind == Node::Kind::literal;
  bool read = (bare || percent) && error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  if (percent) value /= 100;
  if (read && value >= rules.min && value <= rules.max) return value;
  std::string_view what = rules.unit == Unit::share ? "a share such as 20% or 0.2," : "a number";
  fault(node, fmt::format("must be {} {}, not {}", what, range_text(rules.min, rules.max), shown(node)));
  return std::nullopt;
}

std::optional<Duration> Reader::duration(const Node& node, const Rules& rules) {
  std::optional<std::uint64_t> value;
  if (node.is_scalar()) value = with_suffix(node.scalar, kDurations);
  if (value && static_cast<double>(*value) >= rules.min && static_cast<double>(*value) <= rules.max) {
    return Duration(static_cast<std::int64_t>(*value));
  }
  if (node.is_scalar() && base::parse_unsigned(node.scalar)) {
    fault(node, fmt::format("{} has no unit; write {}s or {}ms", shown(node), node.scalar, node.scalar));
  } else if (value) {
    fault(node, fmt::format("must be {}, not {}", range_of_durations(rules), shown(node)));
  } else {
    fault(node, fmt::format("must be a duration such as 500ms, 5s, 1m, 1h or 1d, not {}", shown(node)));
  }
  return std::nullopt;
}

std::optional<std::string> Reader::text(const Node& node, const Rules& rules) {
  if (node.kind == Node::Kind::literal || !node.is_scalar()) {
    fault(node, fmt::format("must be a string, not {}{}",
                            node.kind == Node::Kind::literal ? "the number or boolean " : "", shown(node)));
    return std::nullopt;
  }
  if (rules.is_path) return contains(rules.allowed, node.scalar) ? node.scalar : resolved(node.scalar);
  if (rules.allowed.empty() || contains(rules.allowed, node.scalar)) return node.scalar;
  fault(node,
        fmt::format("{} is not one of {}{}", shown(node), fmt::join(rules.allowed, ", "),
                    hint(node.scalar, rules.allowed).starts_with("; did") ? hint(node.scalar, rules.allowed) : ""));
  return std::nullopt;
}

std::string Reader::resolved(const std::string& path) const {
  bool relative = !path.empty() && path.front() != '/';
  return relative && !folder_.empty() ? folder_ + "/" + path : path;
}

std::optional<std::size_t> Reader::one_of(const Node& node, std::span<const std::string_view> names) {
  std::optional<std::string> word = text(node, {.allowed = names});
  if (!word) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::find(names, *word) - names.begin());
}

// A list of texts, or one. Numbers are texts here in JSON as well: [200, "300-399"].
std::optional<std::vector<std::string>> Reader::text_list(const Node& node, const Rules& rules) {
  std::size_t faults_before = faults_.size();
  std::vector<std::string> out;
  auto add = [&](const Node& item) {
    if (item.kind == Node::Kind::literal) {
      out.push_back(item.scalar);
    } else if (auto value = text(item, rules)) {
      out.push_back(std::move(*value));
    }
  };
  if (node.is_scalar()) add(node);
  if (node.kind == Node::Kind::map) fault(node, "must be a list of strings, not a map");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    In in(*this, i);
    add(node.items[i]);
  }
  if (faults_.size() > faults_before) return std::nullopt;
  return out;
}

std::optional<std::map<std::string, std::string>> Reader::text_map(const Node& node) {
  std::size_t faults_before = faults_.size();
  std::map<std::string, std::string> out;
  if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) {
    fault(node, fmt::format("must be a map of names and strings, not {}", shown(node)));
  }
  for (const Member& member : node.members) {
    In in(*this, member.key);
    if (auto value = text(member.value, {})) out.emplace(member.key, std::move(*value));
  }
  if (faults_.size() > faults_before) return std::nullopt;
  return out;
}

std::string duration_text(Duration duration) {
  std::int64_t milliseconds = duration.count();
  if (milliseconds == 0) return "0s";
  for (auto suffix = kDurations.rbegin(); suffix != kDurations.rend(); ++suffix) {
    auto factor = static_cast<std::int64_t>(suffix->factor);
    if (milliseconds % factor == 0) return fmt::format("{}{}", milliseconds / factor, suffix->text);
  }
  return fmt::format("{}ms", milliseconds);
}

namespace {

std::string range_of_durations(const Rules& rules) {
  auto text = [](double milliseconds) { return duration_text(Duration(static_cast<std::int64_t>(milliseconds))); };
  if (rules.max >= 1e18) return fmt::format("{} or more", text(rules.min));
  return fmt::format("from {} to {}", text(rules.min), text(rules.max));
}

}  // namespace
}  // namespace weir::config
