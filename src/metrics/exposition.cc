#include "metrics/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include "base/assert.h"
#include "base/text.h"

namespace weir::metrics {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// HELP text escapes backslash and line feed, label values the quote as well.
void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at];
    std::size_t length = base::utf8_length(text.substr(at));
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (quoted && c == '"')) {
      out += '\\';
      out += c;
    } else if (length == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text, at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// A number of nanoseconds in seconds, exactly, without zeros at the end.
void append_seconds(std::string& out, std::uint64_t nanoseconds) {
  append_number(out, nanoseconds / 1'000'000'000);
  std::uint64_t fraction = nanoseconds % 1'000'000'000;
  if (fraction == 0) return;
  fmt::format_to(std::back_inserter(out), ".{:09}", fraction);
  out.erase(out.find_last_not_of('0') + 1);
}

void append_name(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels) {
  out += name;
  out += suffix;
  if (labels.empty()) {
    out += ' ';
    return;
  }
  out += '{';
  out += labels;
  out += "} ";
}

const char* type_name(Type type) {
  switch (type) {
    case Type::counter:
      return "counter";
    case Type::gauge:
      return "gauge";
    case Type::histogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

bool is_metric_name(std::string_view name) {
  if (name.empty() || is_digit(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
}

bool is_label_name(std::string_view name) {
  if (name.empty() || is_digit(name.front()) || name.starts_with("__")) return false;
  return std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

std::string render_labels(const Labels& labels) {
  std::vector<const Labels::value_type*> sorted;
  sorted.reserve(labels.size());
  for (const auto& label : labels) sorted.push_back(&label);
  std::ranges::sort(sorted, {}, [](const auto* label) { return std::string_view(label->first); });
  std::string text;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, value] = *sorted[i];
    WEIR_ASSERT(is_label_name(name));
    WEIR_ASSERT(i == 0 || sorted[i - 1]->first != name);
    if (i > 0) text += ',';
    text += name;
    text += "=\"";
    append_escaped(text, value, true);
    text += '"';
  }
  return text;
}

void append_family_head(std::string& out, std::string_view name, std::string_view help, Type type) {
  out += "# HELP ";
  out += name;
  out += ' ';
  append_escaped(out, help, false);
  out += "\n# TYPE ";
  out += name;
  out += ' ';
  out += type_name(type);
  out += '\n';
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value) {
  append_name(out, name, {}, labels);
  append_number(out, value);
  out += '\n';
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, double value) {
  constexpr double kExact = 9007199254740992;  // 2^53: whole numbers below it print as such, and much faster
  if (value >= 0 && value < kExact && value == std::floor(value) && !std::signbit(value)) {
    return append_sample(out, name, labels, static_cast<std::uint64_t>(value));
  }
  append_name(out, name, {}, labels);
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  out += '\n';
}

void append_histogram(std::string& out, std::string_view name, std::string_view labels,
                      const std::array<std::uint64_t, kLatencyBuckets>& buckets, std::uint64_t sum_nanoseconds) {
  std::uint64_t count = 0;
  for (std::size_t bucket = 0; bucket < kLatencyBuckets; ++bucket) {
    count += buckets[bucket];
    out += name;
    out += "_bucket{";
    out += labels;
    out += labels.empty() ? "le=\"" : ",le=\"";
    if (bucket < kLatencyBounds.size()) {
      append_seconds(out, kLatencyBounds[bucket]);
    } else {
      out += "+Inf";
    }
    out += "\"} ";
    append_number(out, count);
    out += '\n';
  }
  append_name(out, name, "_sum", labels);
  append_seconds(out, sum_nanoseconds);
  out += '\n';
  append_name(out, name, "_count", labels);
  append_number(out, count);
  out += '\n';
}

}  // namespace weir::metrics
