#include "route/rewrite.h"

#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

std::string target_of(const config::Route& route, const http::RequestHead& request) {
  base::Arena arena;
  return std::string(Rewrite(route, {}).target(request, SetValues({{config::Variable::client, "10.0.0.1"}}), arena));
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

TEST(Rewrite, LeavesTheTargetInItsCleanFormWhenThereIsNone) {
  const config::Route route;
  EXPECT_EQ(target_of(route, Request("GET", "/a;b/c%3a?x=%")), "/a;b/c%3A?x=%");
  EXPECT_EQ(target_of(route, Request("GET", "/%61/../b?x=%")), "/b?x=%");
  EXPECT_EQ(target_of(route, Request("GET", "/a//b?")), "/a/b?");
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

TEST(PrefixRewrite, WorksOnTheCleanFormOfThePath) {
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/x/..//%6fld/%3ay"), "/new/%3Ay");
}

TEST(PrefixRewrite, KeepsParametersBehindThePrefix) {
  EXPECT_EQ(prefix_rewrite("/old", "/new", "/old/x;v=1/y;z"), "/new/x;v=1/y;z");
  EXPECT_EQ(prefix_rewrite("/old/er", "/new", "/old;a/er;b/y"), "/new/y");
  EXPECT_EQ(prefix_rewrite("/o:d", "/new", "/o%3Ad/x"), "/new/x");
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

std::string with_tenant(const char* replacement, const char* tenant) {
  config::Route route = route_to(prefix_match("/old"));
  route.rewrite.path_prefix = replacement;
  return target_of(route, Request("GET", "/old/x?a=1", "a.example", fmt::format("X-Tenant: {}\r\n", tenant)));
}

TEST(PrefixRewrite, TakesVariablesAsOneSegment) {
  EXPECT_EQ(with_tenant("/t/{header.x-tenant}", "acme"), "/t/acme/x?a=1");
  EXPECT_EQ(with_tenant("/t/{header.x-tenant}/{client}", "a b/../c?d;e"), "/t/a%20b%2F..%2Fc%3Fd%3Be/10.0.0.1/x?a=1");
  EXPECT_EQ(with_tenant("/t/{header.x-tenant}", ".."), "") << "nothing may climb out of its place";
  EXPECT_EQ(with_tenant("/t{{x}", "a"), "/t%7Bx%7D/x?a=1");
}

TEST(RegexRewrite, TakesVariablesBesideGroups) {
  EXPECT_EQ(regex_rewrite("^/u/(.*)$", "/by/{client}/\\1?host={host}", "/u/7"), "/by/10.0.0.1/7?host=a.example");
  EXPECT_EQ(regex_rewrite("^/u/(.*)$", "/x?path={path}&{query}", "/u/7?a=\\1"), "/x?path=/u/7&a=%5C1&a=\\1");
}

TEST(HostRewrite, IsGivenByTheTable) {
  config::Listener listener;
  listener.routes = {route_to({}), route_to({})};
  listener.routes[1].rewrite.host = "internal.example";
  listener.routes.push_back(route_to({}));
  listener.routes[2].rewrite.host = "{header.x-tenant}.internal.example:8080";
  const auto table = Table::compile(listener);
  const Request request("GET", "/", "a.example", "X-Tenant: acme\r\n");
  const Request hostile("GET", "/", "a.example", "X-Tenant: a/b@c\r\n");
  base::Arena arena;
  EXPECT_EQ(table->rewritten_host(0, request, SetValues(), arena), "");
  EXPECT_EQ(table->rewritten_host(1, request, SetValues(), arena), "internal.example");
  EXPECT_EQ(table->rewritten_host(2, request, SetValues(), arena), "acme.internal.example:8080");
  EXPECT_EQ(table->rewritten_host(2, hostile, SetValues(), arena), std::nullopt);
}

}  // namespace
}  // namespace weir::route
