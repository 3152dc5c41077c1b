// Method, header, query and client.
#include "route/predicates.h"

#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

using config::MatchKind;

config::Match header_match(MatchKind kind, std::string value = "", std::string name = "x-tenant") {
  config::Match match;
  match.header.push_back({std::move(name), kind, std::move(value)});
  return match;
}
config::Match query_match(MatchKind kind, std::string value = "", std::string name = "v") {
  config::Match match;
  match.query.push_back({std::move(name), kind, std::move(value)});
  return match;
}
bool takes(const config::Match& match, std::string_view fields) {
  return Routes({match}).find(Request("GET", "/", "a.example", fields)) == 0;
}
bool takes_target(const config::Match& match, std::string_view target) { return Routes({match}).get(target) == 0; }

TEST(MethodPredicate, TakesAnyOfItsListAndMindsCase) {
  config::Match match;
  match.method = {"GET", "PURGE"};
  Routes routes({match});
  EXPECT_EQ(routes.find(Request("GET", "/")), 0u);
  EXPECT_EQ(routes.find(Request("PURGE", "/")), 0u);
  EXPECT_EQ(routes.find(Request("get", "/")), kNoRoute);
  EXPECT_EQ(routes.find(Request("HEAD", "/")), kNoRoute);
}

TEST(HeaderPredicate, ExactMindsTheCaseOfTheValueNotOfTheName) {
  EXPECT_TRUE(takes(header_match(MatchKind::exact, "acme"), "X-TENANT: acme\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::exact, "acme"), "X-Tenant: Acme\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::exact, "acme"), "X-Tenant: acme2\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::exact, "acme"), ""));
}

TEST(HeaderPredicate, PrefixAndRegex) {
  EXPECT_TRUE(takes(header_match(MatchKind::prefix, "ac"), "X-Tenant: acme\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::prefix, "ac"), "X-Tenant: bacme\r\n"));
  EXPECT_TRUE(takes(header_match(MatchKind::regex, "a.*e"), "X-Tenant: acme\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::regex, "a.*m"), "X-Tenant: acme\r\n"));
}

TEST(HeaderPredicate, PresentAndAbsent) {
  EXPECT_TRUE(takes(header_match(MatchKind::present), "X-Tenant:\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::present), "X-Other: 1\r\n"));
  EXPECT_TRUE(takes(header_match(MatchKind::absent), "X-Other: 1\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::absent), "X-Tenant:\r\n"));
}

TEST(HeaderPredicate, HoldsWhenAnyOfRepeatedFieldsFits) {
  const std::string_view fields = "X-Tenant: one\r\nX-Tenant: two\r\n";
  EXPECT_TRUE(takes(header_match(MatchKind::exact, "two"), fields));
  EXPECT_TRUE(takes(header_match(MatchKind::regex, "t.o"), fields));
  EXPECT_FALSE(takes(header_match(MatchKind::exact, "one, two"), fields));
  EXPECT_FALSE(takes(header_match(MatchKind::absent), fields));
}

TEST(HeaderPredicate, WorksOnNamesThatTheProxyKnows) {
  EXPECT_TRUE(takes(header_match(MatchKind::prefix, "curl/", "user-agent"), "User-Agent: curl/8\r\n"));
  EXPECT_FALSE(takes(header_match(MatchKind::absent, "", "user-agent"), "User-Agent: curl/8\r\n"));
}

TEST(HeaderPredicate, MatchesBytesThatAreNoUtf8) {
  EXPECT_TRUE(takes(header_match(MatchKind::regex, "a.b"),
                    "X-Tenant: a\xff"
                    "b\r\n"));
}

TEST(QueryPredicate, ComparesDecodedNamesAndValues) {
  EXPECT_TRUE(takes_target(query_match(MatchKind::exact, "a b"), "/?v=a%20b"));
  EXPECT_TRUE(takes_target(query_match(MatchKind::exact, "a b"), "/?v=a+b"));
  EXPECT_TRUE(takes_target(query_match(MatchKind::exact, "1"), "/?x=2&%76=1"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::exact, "1"), "/?v=2"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::exact, "1"), "/?V=1"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::exact, "1"), "/"));
}

TEST(QueryPredicate, PrefixRegexPresentAbsent) {
  EXPECT_TRUE(takes_target(query_match(MatchKind::prefix, "a b"), "/?v=a%20bc"));
  EXPECT_TRUE(takes_target(query_match(MatchKind::regex, "[0-9]+"), "/?v=4%32"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::regex, "[0-9]+"), "/?v=4a"));
  EXPECT_TRUE(takes_target(query_match(MatchKind::present), "/?a=1&v"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::present), "/?a=1"));
  EXPECT_TRUE(takes_target(query_match(MatchKind::absent), "/?a=1"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::absent), "/?a=1&v="));
}

TEST(QueryPredicate, HoldsWhenAnyOfRepeatedParametersFits) {
  EXPECT_TRUE(takes_target(query_match(MatchKind::exact, "2"), "/?v=1&v=2"));
  EXPECT_FALSE(takes_target(query_match(MatchKind::absent), "/?v=1&v=2"));
}

TEST(ClientPredicate, TakesAnyOfItsBlocks) {
  config::Match match;
  match.client = {*base::Cidr::parse("10.0.0.0/8"), *base::Cidr::parse("2001:db8::/32")};
  Routes routes({match});
  const Request request("GET", "/");
  EXPECT_EQ(routes.find(request, "10.200.3.4"), 0u);
  EXPECT_EQ(routes.find(request, "2001:db8::7"), 0u);
  EXPECT_EQ(routes.find(request, "11.0.0.1"), kNoRoute);
  EXPECT_EQ(routes.find(request, "2001:db9::7"), kNoRoute);
}

TEST(Predicates, MustAllHold) {
  config::Match match = header_match(MatchKind::exact, "acme");
  match.method = {"POST"};
  match.query.push_back({"v", MatchKind::exact, "1"});
  Routes routes({match});
  EXPECT_EQ(routes.find(Request("POST", "/?v=1", "a.example", "X-Tenant: acme\r\n")), 0u);
  EXPECT_EQ(routes.find(Request("GET", "/?v=1", "a.example", "X-Tenant: acme\r\n")), kNoRoute);
  EXPECT_EQ(routes.find(Request("POST", "/?v=2", "a.example", "X-Tenant: acme\r\n")), kNoRoute);
  EXPECT_EQ(routes.find(Request("POST", "/?v=1", "a.example", "X-Tenant: else\r\n")), kNoRoute);
}

TEST(Predicates, AreCountedOnceForMethodAndClientAndOnceForEachName) {
  config::Match match = header_match(MatchKind::present);
  match.method = {"GET", "POST"};
  match.client = {*base::Cidr::parse("10.0.0.0/8"), *base::Cidr::parse("11.0.0.0/8")};
  match.query.push_back({"v", MatchKind::present, ""});
  match.query.push_back({"w", MatchKind::present, ""});
  EXPECT_EQ(Predicates(match).count(), 5u);
  EXPECT_EQ(Predicates({}).count(), 0u);
}

}  // namespace
}  // namespace weir::route
