#include "api/http_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::api {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(PercentDecoded, DecodesBothCasesAndRefusesWhatIsCutOff) {
  EXPECT_EQ(percent_decoded("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(percent_decoded("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decoded(""), "");
  for (const char* text : {"%", "%4", "a%4", "%zz", "%4g", "%%41"}) EXPECT_FALSE(percent_decoded(text)) << text;
}

TEST(PercentEncoded, DecodesToTheSame) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  EXPECT_EQ(percent_decoded(percent_encoded(every)), every);
  EXPECT_EQ(percent_encoded("10.0.0.1:80"), "10.0.0.1:80");
}

TEST(ParseQuery, ReadsParametersOnce) {
  EXPECT_THAT(*parse_query("a=1&b=x%20y&c&=d&&e="),
              ElementsAre(Pair("", "d"), Pair("a", "1"), Pair("b", "x y"), Pair("c", ""), Pair("e", "")));
  EXPECT_TRUE(parse_query("")->empty());
  EXPECT_FALSE(parse_query("a=1&a=2"));
  EXPECT_FALSE(parse_query("a=%"));
}

TEST(Accepts, TakesTheMostSpecificRange) {
  EXPECT_TRUE(accepts("", "application/json"));
  EXPECT_TRUE(accepts("*/*", "application/json"));
  EXPECT_TRUE(accepts("text/html, Application/*;q=0.5", "application/json"));
  EXPECT_FALSE(accepts("text/html", "application/json"));
  EXPECT_FALSE(accepts("*/*, application/json;q=0", "application/json"));
  EXPECT_FALSE(accepts("application/json; Q=0.000", "application/json"));
  EXPECT_TRUE(accepts("*/*;q=0, application/json", "application/json"));
  EXPECT_TRUE(accepts("application/json;q=0.001", "application/json"));
  EXPECT_FALSE(accepts(", ;", "application/json"));
}

TEST(MatchesEtag, ComparesStrongly) {
  EXPECT_TRUE(matches_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("\"b\" , \"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("*", "\"a\""));
  EXPECT_FALSE(matches_etag("W/\"a\"", "\"a\""));
  EXPECT_FALSE(matches_etag("a", "\"a\""));
}

TEST(ExcludesEtag, ComparesWeaklyAndTakesTheStar) {
  EXPECT_TRUE(excludes_etag("*", "\"a\""));
  EXPECT_FALSE(excludes_etag("*", "")) << "there is no object";
  EXPECT_TRUE(excludes_etag("\"b\", W/\"a\"", "\"a\""));
  EXPECT_FALSE(excludes_etag("\"b\"", "\"a\""));
  EXPECT_FALSE(excludes_etag("", "\"a\""));
}

}  // namespace
}  // namespace weir::api
