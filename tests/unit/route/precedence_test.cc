// Which of several matching routes wins: every rule of the order in route/table.h.
#include <gtest/gtest.h>

#include "base/random.h"
#include "route/table.h"
#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

config::Match with_host(config::Match match, std::string host) {
  match.host = {std::move(host)};
  return match;
}
config::Match with_method(config::Match match, std::vector<std::string> methods) {
  match.method = std::move(methods);
  return match;
}
config::Match with_header(config::Match match, std::string name) {
  match.header.push_back({std::move(name), config::MatchKind::present, ""});
  return match;
}

TEST(RoutePrecedence, AnExactHostWinsOverASuffixAndAnyHost) {
  Routes routes({{}, host_match({"*.b.example"}), host_match({"a.b.example"})});
  EXPECT_EQ(routes.get("/", "a.b.example"), 2u);
  EXPECT_EQ(routes.get("/", "x.b.example"), 1u);
  EXPECT_EQ(routes.get("/", "c.example"), 0u);
}

TEST(RoutePrecedence, ALongerSuffixWinsOverAShorterOne) {
  Routes routes({host_match({"*.example"}), host_match({"*.b.example"}), host_match({"*.a.b.example"})});
  EXPECT_EQ(routes.get("/", "x.a.b.example"), 2u);
  EXPECT_EQ(routes.get("/", "a.b.example"), 1u);
  EXPECT_EQ(routes.get("/", "b.example"), 0u);
}

TEST(RoutePrecedence, TheHostCountsBeforeThePath) {
  Routes routes({path_match("/x"), with_host({}, "a.example")});
  EXPECT_EQ(routes.get("/x"), 1u);
  Routes suffixes({with_host(path_match("/x"), "*.example"), with_host({}, "a.example")});
  EXPECT_EQ(suffixes.get("/x"), 1u);
}

TEST(RoutePrecedence, AMoreSpecificHostThatDoesNotMatchInFullLeavesItToTheNext) {
  Routes routes({with_host(path_match("/only"), "a.b.example"),
                 with_host(path_match("/sub"), "*.b.example"),
                 with_host(path_match("/wide"), "*.example"),
                 {}});
  EXPECT_EQ(routes.get("/only", "a.b.example"), 0u);
  EXPECT_EQ(routes.get("/sub", "a.b.example"), 1u);
  EXPECT_EQ(routes.get("/wide", "a.b.example"), 2u);
  EXPECT_EQ(routes.get("/other", "a.b.example"), 3u);
}

TEST(RoutePrecedence, AnExactPathWinsOverRegexOverPrefixOverAny) {
  Routes all({{}, prefix_match("/a/b"), regex_match("/a/.*"), path_match("/a/b")});
  EXPECT_EQ(all.get("/a/b"), 3u);
  EXPECT_EQ(all.get("/a/c"), 2u);
  Routes two({{}, prefix_match("/a/b")});
  EXPECT_EQ(two.get("/a/b/c"), 1u);
  EXPECT_EQ(two.get("/c"), 0u);
}

TEST(RoutePrecedence, ALongerPrefixWinsOverAShorterOne) {
  Routes routes({prefix_match("/"), prefix_match("/a"), prefix_match("/a/b/"), prefix_match("/a/bc")});
  EXPECT_EQ(routes.get("/a/b/c"), 2u);
  EXPECT_EQ(routes.get("/a/bc/d"), 3u);
  EXPECT_EQ(routes.get("/a/x"), 1u);
  EXPECT_EQ(routes.get("/ab"), 0u);
}

TEST(RoutePrecedence, TheRootPrefixWinsOverAnyPath) {
  Routes routes({{}, prefix_match("/")});
  EXPECT_EQ(routes.get("/x"), 1u);
}

TEST(RoutePrecedence, OfExpressionsTheOneWrittenFirstWins) {
  Routes routes({regex_match("/a.*"), regex_match("/ab.*")});
  EXPECT_EQ(routes.get("/abc"), 0u);
}

TEST(RoutePrecedence, ThePathCountsBeforeTheNumberOfPredicates) {
  Routes routes({with_header(with_method(prefix_match("/a"), {"GET"}), "host"), prefix_match("/a/b")});
  EXPECT_EQ(routes.get("/a/b"), 1u);
  EXPECT_EQ(routes.get("/a/c"), 0u);
}

TEST(RoutePrecedence, MorePredicatesWin) {
  Routes routes({prefix_match("/a"), with_method(prefix_match("/a"), {"GET"}),
                 with_header(with_method(prefix_match("/a"), {"GET"}), "x-beta")});
  EXPECT_EQ(routes.find(Request("GET", "/a", "a.example", "X-Beta: 1\r\n")), 2u);
  EXPECT_EQ(routes.get("/a"), 1u);
  EXPECT_EQ(routes.find(Request("POST", "/a")), 0u);
}

TEST(RoutePrecedence, AListOfMethodsOrClientsIsOnePredicate) {
  config::Match clients;
  clients.client = {*base::Cidr::parse("192.0.2.0/24"), *base::Cidr::parse("10.0.0.0/8")};
  Routes routes({with_header({}, "host"), with_method({}, {"GET", "HEAD", "POST"}), clients});
  EXPECT_EQ(routes.get("/"), 0u);
}

TEST(RoutePrecedence, EachHeaderAndQueryParameterIsAPredicate) {
  config::Match query;
  query.query = {{"a", config::MatchKind::present, ""}, {"b", config::MatchKind::present, ""}};
  Routes routes({with_header({}, "host"), query});
  EXPECT_EQ(routes.get("/?a&b"), 1u);
  EXPECT_EQ(routes.get("/?a"), 0u);
}

TEST(RoutePrecedence, OfEqualRoutesTheOneWrittenFirstWins) {
  Routes routes({prefix_match("/a"), prefix_match("/a/"), prefix_match("/a")});
  EXPECT_EQ(routes.get("/a"), 0u);
}

// Small pools of parts, so that routes overlap a lot.
config::Match random_match(base::Random& random) {
  static const std::vector<std::string> kHosts = {"a.b.example", "b.example", "*.b.example", "*.example", "*"};
  static const std::vector<std::string> kPaths = {"/", "/a", "/a/b", "/a/b/c", "/b"};
  config::Match match;
  for (std::uint64_t i = random.below(3); i > 0; --i) match.host.push_back(kHosts[random.below(kHosts.size())]);
  const std::string& path = kPaths[random.below(kPaths.size())];
  const std::uint64_t kind = random.below(8);
  if (kind == 0 || kind == 7) match.path = path;
  if (kind == 1 || kind == 2 || kind == 7) match.path_prefix = path;
  if (kind == 3 || kind == 6) match.path_regex = path + ".*";
  if (kind == 6) match.path_prefix = "/a";
  if (random.below(3) == 0) match.method = {"POST"};
  if (random.below(4) == 0) match.header.push_back({"x-a", config::MatchKind::present, ""});
  if (random.below(4) == 0) match.query.push_back({"q", config::MatchKind::exact, "1"});
  return match;
}

// Routes::find compares each answer with explain(), which looks at every route without any index.
TEST(RoutePrecedence, OfRandomTablesIsWhatLookingAtEveryRouteGives) {
  base::Random random(7);
  int found = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<config::Match> matches;
    for (std::uint64_t i = random.below(12); i > 0; --i) matches.push_back(random_match(random));
    Routes routes(matches);
    for (const char* host : {"a.b.example", "b.example", "x.b.example", "c.example", "test"}) {
      for (const char* target : {"/", "/a?q=1", "/a/b", "/a/b/c?q=2", "/b", "/c"}) {
        const bool post = random.below(2) == 0;
        const Request request(post ? "POST" : "GET", target, host, random.below(2) == 0 ? "X-A: 1\r\n" : "");
        found += routes.find(request) != kNoRoute ? 1 : 0;
      }
    }
  }
  EXPECT_GT(found, 1000);
}

}  // namespace
}  // namespace weir::route
