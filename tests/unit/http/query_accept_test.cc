#include "gtest/gtest.h"

#include "http/accept.h"
#include "http/query.h"

namespace weir::http {
namespace {

std::string_view parameter(std::string_view query, std::string_view name) {
  return find_parameter(query, name).value_or("(none)");
}

TEST(Query, IsSearchedByTheDecodedName) {
  EXPECT_EQ(parameter("a=1&b=2&c=3", "a"), "1");
  EXPECT_EQ(parameter("a=1&b=2&c=3", "c"), "3");
  EXPECT_EQ(parameter("a=1&a=2", "a"), "1");
  EXPECT_EQ(parameter("a&b", "a"), "");
  EXPECT_EQ(parameter("a=&b", "a"), "");
  EXPECT_EQ(parameter("a=x=y", "a"), "x=y");
  EXPECT_EQ(parameter("&&a=1&", "a"), "1");
  EXPECT_EQ(parameter("us%65r=%31", "user"), "%31");
  EXPECT_EQ(parameter("a+b=1", "a b"), "1");
  EXPECT_EQ(parameter("100%=1", "100%"), "1");
  EXPECT_EQ(parameter("=1", ""), "1");
  for (std::string_view query : {"", "b=a", "A=1", "aa=1", "a%00=1", "%61%61=1", "&"}) {
    EXPECT_EQ(parameter(query, "a"), "(none)") << query;
  }
}

TEST(Query, ValuesAreDecoded) {
  base::Arena arena;
  const std::pair<const char*, const char*> cases[] = {
      {"plain", "plain"}, {"a+b", "a b"}, {"%41%2b%2B", "A++"}, {"100%", "100%"}, {"%4", "%4"},
      {"%zz%", "%zz%"},   {"", ""}};
  for (const auto& [text, plain] : cases) {
    EXPECT_EQ(decode_parameter(text, arena), plain) << text;
    EXPECT_TRUE(decodes_to(text, plain)) << text;
    EXPECT_FALSE(decodes_to(text, std::string(plain) + "x")) << text;
  }
  EXPECT_FALSE(decodes_to("ab", "a"));
}

bool json(std::initializer_list<std::string_view> accepts) {
  HeaderMap headers;
  for (std::string_view accept : accepts) headers.add("Accept", accept);
  return prefers_json(headers);
}

TEST(Accept, PrefersJsonWhenItWeighsMore) {
  EXPECT_TRUE(json({"application/json"}));
  EXPECT_TRUE(json({"APPLICATION/JSON; charset=utf-8"}));
  EXPECT_TRUE(json({"application/problem+json"}));
  EXPECT_TRUE(json({"application/json, text/plain;q=0.9, */*;q=0.8"}));
  EXPECT_TRUE(json({"text/html;q=0.5", "application/vnd.api+json;q=0.6"}));
  EXPECT_TRUE(json({"application/*"}));
  EXPECT_TRUE(json({"text/plain;q=0, */*"}));
}

TEST(Accept, PrefersPlainTextOtherwise) {
  EXPECT_FALSE(json({}));
  EXPECT_FALSE(json({""}));
  EXPECT_FALSE(json({"*/*"}));
  EXPECT_FALSE(json({"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}));
  EXPECT_FALSE(json({"application/json, text/plain, */*"}));
  EXPECT_FALSE(json({"application/json;q=0"}));
  EXPECT_FALSE(json({"application/json;q=0.001, text/*;q=0.01"}));
  EXPECT_FALSE(json({"image/png"}));
  EXPECT_FALSE(json({"+json"}));
}

TEST(Accept, TakesMalformedWeightsForOne) {
  for (const char* weight : {"x", "2", "", "0.1234", "1.1", "-1"}) {
    EXPECT_TRUE(json({"application/json;q=" + std::string(weight) + ", text/plain;q=0.9"})) << weight;
  }
}

}  // namespace
}  // namespace weir::http
