#include "route/expression.h"

#include <algorithm>
#include <array>
#include <re2/re2.h>

#include "config/route.h"
#include "route/text_builder.h"

namespace weir::route {
namespace {

using Groups = std::array<re2::StringPiece, Expression::kMaxGroups + 1>;

std::string_view view(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

void append_substitution(TextBuilder& out, std::string_view substitution, const Groups& groups) {
  for (std::size_t at = 0; at < substitution.size(); ++at) {
    if (substitution[at] != '\\' || at + 1 == substitution.size()) {
      out.append_encoded(substitution.substr(at, 1));
      continue;
    }
    const char next = substitution[++at];
    if (next >= '0' && next <= '9') {
      out.append(view(groups[static_cast<std::size_t>(next - '0')]));
    } else {
      out.append_encoded({&next, 1});
    }
  }
}

}  // namespace

Expression::Expression(std::string_view pattern) {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(config::kMaxExpressionBytes);
  re_ = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!re_->ok()) error_ = re_->error();
}

Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

const std::string& Expression::pattern() const { return re_->pattern(); }

int Expression::groups() const { return re_->ok() ? re_->NumberOfCapturingGroups() : 0; }

bool Expression::matches(std::string_view text) const {
  return re_->ok() && re_->Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

bool Expression::capture(std::string_view text, std::span<std::string_view> groups) const {
  std::ranges::fill(groups, std::string_view());
  if (!re_->ok()) return false;
  Groups found;
  const int wanted = std::min({1 + this->groups(), 1 + kMaxGroups, static_cast<int>(groups.size())});
  if (!re_->Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, found.data(), wanted)) return false;
  for (int i = 0; i < wanted; ++i) groups[static_cast<std::size_t>(i)] = view(found[static_cast<std::size_t>(i)]);
  return true;
}

std::string_view Expression::replace_all(std::string_view text, std::string_view substitution,
                                         base::Arena& arena) const {
  if (!re_->ok()) return text;
  TextBuilder out(arena, text.size() + substitution.size());
  const re2::StringPiece whole(text.data(), text.size());
  const int wanted = 1 + std::min(groups(), kMaxGroups);
  Groups found;
  std::size_t at = 0;
  std::size_t last_end = std::string_view::npos;  // where the match before ended: an empty one there does not count
  while (at <= text.size() && re_->Match(whole, at, text.size(), RE2::UNANCHORED, found.data(), wanted)) {
    const auto start = static_cast<std::size_t>(found[0].data() - text.data());
    out.append(text.substr(at, start - at));
    at = start;
    if (found[0].empty() && start == last_end) {
      out.append(text.substr(at, 1));
      ++at;
      continue;
    }
    append_substitution(out, substitution, found);
    at = last_end = start + found[0].size();
  }
  if (at < text.size()) out.append(text.substr(at));
  return out.text();
}

}  // namespace weir::route
