// Regular expressions, as RE2 understands them: matching takes time linear in the text, whatever the expression.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"

namespace re2 {
class RE2;
}

namespace weir::route {

// Works on bytes, not on characters: what a request holds need not be UTF-8. Immutable, any thread. RE2 takes a read
// lock of its own on its cache of states and fills that cache, up to config::kMaxExpressionBytes, while it meets new
// texts.
class Expression {
 public:
  static constexpr int kMaxGroups = 9;

  // Never throws; error() tells when `pattern` does not compile, and nothing matches then.
  explicit Expression(std::string_view pattern);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  const std::string& error() const { return error_; }
  const std::string& pattern() const;
  int groups() const;

  // Whether the whole of `text` matches.
  bool matches(std::string_view text) const;
  // The same, and what the expression and its groups took: groups[0] is the whole, then the first. Those beyond
  // `groups`, and groups that took no part, are empty. At most kMaxGroups + 1.
  bool capture(std::string_view text, std::span<std::string_view> groups) const;

  // `text` with every place that matches replaced by `substitution`, in which \0..\9 are groups and \\ a backslash; the
  // rest of it is percent-encoded where it is no part of a URI. What RE2::GlobalReplace does, in an arena.
  std::string_view replace_all(std::string_view text, std::string_view substitution, base::Arena& arena) const;

 private:
  std::unique_ptr<re2::RE2> re_;
  std::string error_;
};

}  // namespace weir::route
