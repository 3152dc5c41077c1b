#include "route/rewrite.h"

#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

std::string target_of(const config::Route& route, const http::RequestHead& request) {
  base::Arena arena;
  return std::string(Rewrite(route).target(request, arena));
}
std::string prefix_rewrite(const char* taken, const char* replacement, std::string_view target) {
  config::Route route = route_to(prefix_match(taken));
  route.rewrite.path_prefix = replacement;
  const Request request("GET", target);
  return target_of(route, request);
}
std::string regex_rewrite(const char* regex, const char* substitution, std::string_view target) {
  config::Route route;
  route.rewrite.path_regex = regex;
  route.rewrite.substitution = substitution;
  const Request request("GET", target);
  return target_of(route, request);
}

TEST(Rewrite, LeavesTheTargetAsReceivedWhenThereIsNone) {
  const config::Route route;
  EXPECT_EQ(target_of(route, Request("GET", "/%61/../b?x=%")), "/%61/../b?x=%");
  EXPECT_EQ(target_of(route, Request("OPTIONS", "*")), "*");
  EXPECT_EQ(target_of(route, Request("CONNECT", "a.example:443", "a.example:443")), "a.example:443");
}

TEST(Rewrite, TurnsAnAbsoluteTargetIntoItsPath) {
  const config::Route route;
  EXPECT_EQ(target_of(route, Request("GET", "http://a.example/x?y=1")), "/x?y=1");
  EXPECT_EQ(target_of(route, Request("GET", "http://a.example/x?")), "/x?");
  EXPECT_EQ(target_of(route, Request("GET", "http://a.example")), "/");
}

TEST(PrefixRewrite, ReplacesWhatThePrefixTook) {
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/old"), "/new");
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/old/"), "/new/");
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/old/x/y"), "/new/x/y");
  EXPECT_EQ(prefix_rewrite("/old/", "/new/", "/old/x"), "/new/x");
  EXPECT_EQ(prefix_rewrite("/old", "/new/", "/old/x"), "/new/x");
  EXPECT_EQ(prefix_rewrite("/old", "/new/", "/old"), "/new/");
  EXPECT_EQ(prefix_rewrite("/", "/new", "/x"), "/new/x");
  EXPECT_EQ(prefix_rewrite("/", "/new", "/"), "/new/");
}

TEST(PrefixRewrite, ByTheRootOrNothingRemovesThePrefix) {
  for (const char* replacement : {"/", ""}) {
    EXPECT_EQ(prefix_rewrite("/old", replacement, "/old"), "/");
    EXPECT_EQ(prefix_rewrite("/old", replacement, "/old/"), "/");
    EXPECT_EQ(prefix_rewrite("/old", replacement, "/old/x"), "/x");
  }
}

TEST(PrefixRewrite, KeepsTheQueryByteForByte) {
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/old/x?a=%7e&&b=100%"), "/new/x?a=%7e&&b=100%");
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/old?"), "/new?");
}

TEST(PrefixRewrite, WorksOnTheNormalFormOfThePath) {
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/x/../%6fld/%2fy"), "/new/%2Fy");
}

TEST(PrefixRewrite, NeverYieldsTwoLeadingSlashes) {
  EXPECT_EQ(prefix_rewrite("/old", "/", "/old//evil.example"), "/evil.example");
}

TEST(PrefixRewrite, KeepsWhatWouldEndThePathOutOfIt) {
  EXPECT_EQ(prefix_rewrite("/old", "/n?w#x y\r\n", "/old/x"), "/n%3Fw%23x%20y%0D%0A/x");
  EXPECT_EQ(prefix_rewrite("/old", "new", "/old/x"), "/new/x");
}

TEST(PrefixRewrite, LeavesFormsWithoutAPathAlone) {
  config::Route route = route_to({});
  route.rewrite.path_prefix = "/new";
  EXPECT_EQ(target_of(route, Request("OPTIONS", "*")), "*");
  EXPECT_EQ(target_of(route, Request("OPTIONS", "http://a.example")), "*");
  EXPECT_EQ(target_of(route, Request("CONNECT", "a.example:443", "a.example:443")), "a.example:443");
}

TEST(RegexRewrite, ReplacesEveryPlaceThatMatches) {
  EXPECT_EQ(regex_rewrite("a", "b", "/banana"), "/bbnbnb");
  EXPECT_EQ(regex_rewrite("x", "y", "/banana?x"), "/banana?x");
  EXPECT_EQ(regex_rewrite("^/api/v([0-9]+)/(.*)$", "/\\2/version-\\1", "/api/v2/users?q=1"), "/users/version-2?q=1");
}

TEST(RegexRewrite, TreatsEmptyMatchesAsRe2Does) {
  EXPECT_EQ(regex_rewrite("b*", "x", "/abc"), "/x/xaxcx");
  EXPECT_EQ(regex_rewrite("$", "/end", "/a"), "/a/end");
  EXPECT_EQ(regex_rewrite("^", "/start", "/a"), "/start/a");
}

TEST(RegexRewrite, GivesGroupsThatTookNoPartAsEmpty) { EXPECT_EQ(regex_rewrite("/a(b)?", "/x\\1y", "/a"), "/xy"); }

TEST(RegexRewrite, PutsParametersOfTheSubstitutionFirst) {
  EXPECT_EQ(regex_rewrite("^/u/(.*)$", "/user?id=\\1", "/u/7"), "/user?id=7");
  EXPECT_EQ(regex_rewrite("^/u/(.*)$", "/user?id=\\1", "/u/7?v=2"), "/user?id=7&v=2");
  EXPECT_EQ(regex_rewrite("^/u/(.*)$", "/user?id=\\1", "/u/7?"), "/user?id=7");
}

TEST(RegexRewrite, AlwaysBeginsWithOneSlash) {
  EXPECT_EQ(regex_rewrite("^/x", "", "/xabc"), "/abc");
  EXPECT_EQ(regex_rewrite("^/x", "", "/x"), "/");
  EXPECT_EQ(regex_rewrite("^/x", "/", "/x//y"), "/y");
}

TEST(RegexRewrite, ResolvesDotSegmentsThatItPutTogether) {
  EXPECT_EQ(regex_rewrite("x", "", "/a/.x./b"), "/b");
  EXPECT_EQ(regex_rewrite("x", "", "/.x./b"), "");
  EXPECT_EQ(regex_rewrite("x", "%", "/ax"), "");
}

TEST(RegexRewrite, EncodesWhatNoTargetHolds) {
  EXPECT_EQ(regex_rewrite("x", " \r\n\\\\", "/x"), "/%20%0D%0A%5C");
  EXPECT_EQ(regex_rewrite("x", "a\\", "/x"), "/a%5C");
}

TEST(RegexRewrite, ThatDoesNotCompileChangesNothing) { EXPECT_EQ(regex_rewrite("(", "x", "/a?b"), "/a?b"); }

TEST(RegexRewrite, OfLongPathsIsWhole) {
  EXPECT_EQ(regex_rewrite("a", "bcd", "/" + std::string(2000, 'a')).size(), 6001u);
}

TEST(HostRewrite, IsGivenByTheTable) {
  config::Listener listener;
  listener.routes = {route_to({}), route_to({})};
  listener.routes[1].rewrite.host = "internal.example";
  const auto table = Table::compile(listener);
  EXPECT_EQ(table->rewritten_host(0), "");
  EXPECT_EQ(table->rewritten_host(1), "internal.example");
}

}  // namespace
}  // namespace weir::route
