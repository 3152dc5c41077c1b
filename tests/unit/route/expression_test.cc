#include "route/expression.h"

#include <array>
#include <gtest/gtest.h>
#include <re2/re2.h>

namespace weir::route {
namespace {

TEST(Expression, MatchesTheWholeText) {
  const Expression expression("a|bc");
  EXPECT_TRUE(expression.matches("a"));
  EXPECT_TRUE(expression.matches("bc"));
  EXPECT_FALSE(expression.matches("abc"));
  EXPECT_FALSE(expression.matches(""));
  EXPECT_TRUE(Expression("").matches(""));
}

TEST(Expression, ThatDoesNotCompileSaysWhyAndMatchesNothing) {
  const Expression expression("a(");
  EXPECT_FALSE(expression.error().empty());
  EXPECT_EQ(expression.pattern(), "a(");
  EXPECT_EQ(expression.groups(), 0);
  EXPECT_FALSE(expression.matches("a("));
  std::array<std::string_view, 2> groups{"old", "old"};
  EXPECT_FALSE(expression.capture("a(", groups));
  EXPECT_EQ(groups[0], "");
}

TEST(Expression, CapturesItsGroups) {
  const Expression expression("/(a+)/(b)?(c)");
  EXPECT_EQ(expression.groups(), 3);
  std::array<std::string_view, 6> groups;
  ASSERT_TRUE(expression.capture("/aa/c", groups));
  EXPECT_EQ(groups, (std::array<std::string_view, 6>{"/aa/c", "aa", "", "c", "", ""}));
  std::array<std::string_view, 2> fewer;
  ASSERT_TRUE(expression.capture("/aa/bc", fewer));
  EXPECT_EQ(fewer[1], "aa");
}

TEST(Expression, CapturesNineGroupsOfMore) {
  const Expression expression("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)");
  std::array<std::string_view, Expression::kMaxGroups + 1> groups;
  ASSERT_TRUE(expression.capture("abcdefghijk", groups));
  EXPECT_EQ(groups[9], "i");
}

TEST(Expression, ReplacesAsRe2sGlobalReplaceDoes) {
  for (const char* pattern : {"a", "b*", "", "^", "$", "(a)(b)?", "[ab]+", "a|ab", "x", "(.)(.)", "\\b", "(?i)B"}) {
    for (const char* text : {"", "a", "abab", "aabbcc", "/a/b/c", "bbb", "xyz"}) {
      for (const char* substitution : {"", "-", "[\\0]", "\\1", "\\\\n"}) {
        std::string wanted = text;
        const RE2 reference(pattern, RE2::Latin1);
        std::string fault;
        if (!reference.CheckRewriteString(substitution, &fault)) continue;
        RE2::GlobalReplace(&wanted, reference, substitution);
        for (auto at = wanted.find('\\'); at != std::string::npos; at = wanted.find('\\')) wanted.replace(at, 1, "%5C");
        base::Arena arena;
        EXPECT_EQ(Expression(pattern).replace_all(text, substitution, arena), wanted)
            << pattern << " in " << text << " by " << substitution;
      }
    }
  }
}

TEST(Expression, TakesTimeLinearInTheText) {
  // Backtracking would need 2^28 steps or more for this.
  const Expression expression("(a?){28}a{28}");
  EXPECT_TRUE(expression.matches(std::string(28, 'a')));
  EXPECT_FALSE(Expression("(a+)+b").matches(std::string(5000, 'a')));
}

}  // namespace
}  // namespace weir::route
