#include "base/text.h"

#include <array>
#include <string>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

std::string json_escaped(std::string_view text) {
  std::string out = ">";
  append_json_escaped(out, text);
  return out.substr(1);
}

TEST(EqualIgnoringCase, SaysTheSameOfEveryPairOfBytesAtEveryPlace) {
  for (std::size_t size : {1u, 7u, 8u, 9u, 15u, 16u, 17u}) {
    for (std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
      std::string one(size, 'x'), other(size, 'X');
      for (int a = 0; a < 256; ++a) {
        one[place] = static_cast<char>(a);
        for (int b = 0; b < 256; ++b) {
          other[place] = static_cast<char>(b);
          bool expected = ascii_lower(static_cast<char>(a)) == ascii_lower(static_cast<char>(b));
          ASSERT_EQ(equal_ignoring_case(one, other), expected) << size << " bytes, " << place << ": " << a << ", " << b;
        }
      }
    }
  }
}

TEST(EqualIgnoringCase, FoldsOnlyAsciiLetters) {
  EXPECT_TRUE(equal_ignoring_case("Content-Length", "content-LENGTH"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));  // 32 apart like 'A' and 'a', but no letters
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
  EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
}

TEST(ToLower, LeavesEverythingButAsciiCapitalsAlone) {
  EXPECT_EQ(to_lower("AZaz09-_[\xc3\x84"), "azaz09-_[\xc3\x84");
  EXPECT_EQ(to_lower(""), "");
}

TEST(Trim, TakesSpacesAndTabsOffBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\r\na\n"), "\r\na\n");
}

TEST(ParseUnsigned, ReadsDigitsUpToTheMaximum) {
  EXPECT_EQ(parse_unsigned("0"), 0u);
  EXPECT_EQ(parse_unsigned("007"), 7u);
  EXPECT_EQ(parse_unsigned("65535", 65535), 65535u);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), UINT64_MAX);
}

TEST(ParseUnsigned, RefusesAnythingElse) {
  for (std::string_view text : {"", "+1", "-1", "1 ", " 1", "1.0", "0x10", "1e3", "18446744073709551616",
                                "99999999999999999999999", "\xd9\xa1"}) {
    EXPECT_FALSE(parse_unsigned(text)) << text;
  }
  EXPECT_FALSE(parse_unsigned(std::string_view("1\0", 2)));
  EXPECT_FALSE(parse_unsigned("65536", 65535));
  EXPECT_FALSE(parse_unsigned("1", 0));
}

TEST(Nearest, FindsTheLikelyTypingError) {
  static constexpr std::array<std::string_view, 4> kNames = {"round_robin", "least_connections", "random", "p2c"};
  EXPECT_EQ(nearest("roundrobin", kNames), "round_robin");
  EXPECT_EQ(nearest("least_conections", kNames), "least_connections");
  EXPECT_EQ(nearest("RANDOM", kNames), "random");
  EXPECT_EQ(nearest("p2", kNames), "p2c");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  static constexpr std::array<std::string_view, 2> kNames = {"round_robin", "p2c"};
  EXPECT_EQ(nearest("weight", kNames), "");
  EXPECT_EQ(nearest("", kNames), "");
  EXPECT_EQ(nearest("xyz", kNames), "");
  EXPECT_EQ(nearest("a", {}), "");
}

TEST(Utf8Length, AcceptsTheBordersOfEveryLength) {
  EXPECT_EQ(utf8_length(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(utf8_length("\x7f"), 1u);
  EXPECT_EQ(utf8_length("\xc2\x80"), 2u);
  EXPECT_EQ(utf8_length("\xdf\xbf"), 2u);
  EXPECT_EQ(utf8_length("\xe0\xa0\x80"), 3u);
  EXPECT_EQ(utf8_length("\xed\x9f\xbf"), 3u);
  EXPECT_EQ(utf8_length("\xee\x80\x80"), 3u);
  EXPECT_EQ(utf8_length("\xf0\x90\x80\x80"), 4u);
  EXPECT_EQ(utf8_length("\xf4\x8f\xbf\xbf"), 4u);
  EXPECT_EQ(utf8_length("\xc3\xa4rest"), 2u);
}

TEST(Utf8Length, RefusesWhatRfc3629Excludes) {
  for (std::string_view text : {"",
                                "\x80",              // a continuation alone
                                "\xbf",              //
                                "\xc0\xaf",          // overlong
                                "\xc1\xbf",          //
                                "\xe0\x9f\xbf",      //
                                "\xf0\x8f\xbf\xbf",  //
                                "\xed\xa0\x80",      // surrogates
                                "\xed\xbf\xbf",      //
                                "\xf4\x90\x80\x80",  // beyond U+10FFFF
                                "\xf5\x80\x80\x80",  //
                                "\xff", "\xfe",
                                "\xc3",  // cut short
                                "\xe2\x82", "\xf0\x9f\x98",
                                "\xc3(",  // no continuation
                                "\xe2(\x82", "\xf0\x9f(\x80"}) {
    EXPECT_EQ(utf8_length(text), 0u) << testing::PrintToString(std::string(text));
  }
}

TEST(AppendJsonEscaped, LeavesCleanTextAndValidUtf8Alone) {
  EXPECT_EQ(json_escaped("/a/b?c=d&e='f'"), "/a/b?c=d&e='f'");
  EXPECT_EQ(json_escaped("K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x98\x80"), "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(json_escaped(""), "");
}

TEST(AppendJsonEscaped, EscapesQuotesBackslashesControlsAndInvalidBytes) {
  EXPECT_EQ(json_escaped("\"\\"), "\\\"\\\\");
  EXPECT_EQ(json_escaped("a\r\n\tb"), "a\\u000d\\u000a\\u0009b");
  EXPECT_EQ(json_escaped(std::string_view("\0\x1f\x7f", 3)), "\\u0000\\u001f\\u007f");
  EXPECT_EQ(json_escaped("\xff\xc3"), "\\u00ff\\u00c3");
  EXPECT_EQ(json_escaped("\xed\xa0\x80x"), "\\u00ed\\u00a0\\u0080x");
}

}  // namespace
}  // namespace weir::base
