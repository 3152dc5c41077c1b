// Hosts and paths: what a route takes.
#include "route/table.h"

#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

TEST(RouteTable, WithoutRoutesTakesNothing) {
  Routes routes({});
  EXPECT_EQ(routes.get("/"), kNoRoute);
  EXPECT_TRUE(routes.table().explain(Request("GET", "/"), {}).empty());
}

TEST(RouteTable, ARouteWithoutPredicatesTakesEverything) {
  Routes routes({{}});
  EXPECT_EQ(routes.get("/"), 0u);
  EXPECT_EQ(routes.get("/deep/er?x=1", "other.example:8080"), 0u);
  EXPECT_EQ(routes.find(Request("OPTIONS", "*")), 0u);
  EXPECT_EQ(routes.find(Request("CONNECT", "a.example:443", "a.example:443")), 0u);
}

TEST(RouteHosts, AreComparedIgnoringCasePortAndTrailingDot) {
  Routes routes({host_match({"Api.Example"})});
  for (const char* host : {"api.example", "API.EXAMPLE", "api.example:8080", "api.example.", "Api.Example.:80"}) {
    EXPECT_EQ(routes.get("/", host), 0u) << host;
  }
  for (const char* host : {"example", "xapi.example", "api.example.org", "api-example", "a.api.example"}) {
    EXPECT_EQ(routes.get("/", host), kNoRoute) << host;
  }
}

TEST(RouteHosts, OfTheConfigurationMayHaveATrailingDot) {
  Routes routes({host_match({"api.example."}), host_match({"*.b.example."})});
  EXPECT_EQ(routes.get("/", "api.example"), 0u);
  EXPECT_EQ(routes.get("/", "x.b.example"), 1u);
}

TEST(RouteHosts, ASuffixTakesAnyDepthBelowItButNotItself) {
  Routes routes({host_match({"*.b.example"})});
  EXPECT_EQ(routes.get("/", "a.b.example"), 0u);
  EXPECT_EQ(routes.get("/", "x.y.z.b.example:81"), 0u);
  EXPECT_EQ(routes.get("/", "A.B.EXAMPLE."), 0u);
  EXPECT_EQ(routes.get("/", "b.example"), kNoRoute);
  EXPECT_EQ(routes.get("/", "ab.example"), kNoRoute);
  EXPECT_EQ(routes.get("/", "a.b.example.org"), kNoRoute);
}

TEST(RouteHosts, AnEmptyLabelBeforeASuffixIsNoLabel) {
  Routes routes({host_match({"*.b.example"})});
  Request request("GET", "/");
  request.head().authority = ".b.example";
  EXPECT_EQ(routes.find(request), kNoRoute);
}

TEST(RouteHosts, OfAListAreAlternatives) {
  Routes routes({host_match({"a.example", "b.example", "*.c.example", "a.example"})});
  EXPECT_EQ(routes.get("/", "a.example"), 0u);
  EXPECT_EQ(routes.get("/", "b.example"), 0u);
  EXPECT_EQ(routes.get("/", "x.c.example"), 0u);
  EXPECT_EQ(routes.get("/", "d.example"), kNoRoute);
}

TEST(RouteHosts, AStarInAListIsAnyHost) {
  Routes routes({host_match({"a.example", "*"})});
  EXPECT_EQ(routes.get("/", "whatever.test"), 0u);
}

TEST(RouteHosts, MayBeAddresses) {
  Routes routes({host_match({"[2001:db8::1]"}), host_match({"192.0.2.7"})});
  EXPECT_EQ(routes.get("/", "[2001:db8::1]:8080"), 0u);
  EXPECT_EQ(routes.get("/", "[2001:DB8::1]"), 0u);
  EXPECT_EQ(routes.get("/", "192.0.2.7:80"), 1u);
  EXPECT_EQ(routes.get("/", "[2001:db8::2]"), kNoRoute);
}

TEST(RouteHosts, ThatAreMissingMatchOnlyAnyHost) {
  Routes routes({host_match({"a.example"}), host_match({"*.example"}), {}});
  Request request("GET", "/");
  request.head().authority = {};
  EXPECT_EQ(routes.find(request), 2u);
}

TEST(RouteHosts, LongerThanAnyNameMatchOnlyAnyHost) {
  const std::string longest = std::string(255 - 8, 'x') + ".example";
  Routes routes({host_match({"*.example"}), {}});
  Request request("GET", "/");
  request.head().authority = longest;
  EXPECT_EQ(routes.find(request), 0u);
  const std::string longer = "y" + longest;
  request.head().authority = longer;
  EXPECT_EQ(routes.find(request), 1u);
}

TEST(RoutePaths, ExactOnesTakeNothingElse) {
  Routes routes({path_match("/a/b")});
  EXPECT_EQ(routes.get("/a/b"), 0u);
  EXPECT_EQ(routes.get("/a/b?q=1"), 0u);
  for (const char* path : {"/a/b/", "/a/B", "/a", "/a/b/c", "/b/a/b", "/"})
    EXPECT_EQ(routes.get(path), kNoRoute) << path;
}

TEST(RoutePaths, AnExactStarTakesOptionsOfTheWholeServer) {
  Routes routes({path_match("*"), prefix_match("/")});
  EXPECT_EQ(routes.find(Request("OPTIONS", "*")), 0u);
  EXPECT_EQ(routes.get("/*"), 1u);
}

TEST(RoutePaths, PrefixesEndAtSegmentBorders) {
  Routes routes({prefix_match("/v1")});
  EXPECT_EQ(routes.get("/v1"), 0u);
  EXPECT_EQ(routes.get("/v1/"), 0u);
  EXPECT_EQ(routes.get("/v1/x/y"), 0u);
  EXPECT_EQ(routes.get("/v1?x"), 0u);
  for (const char* path : {"/v10", "/v", "/", "/V1", "/x/v1", "/v1.2"}) EXPECT_EQ(routes.get(path), kNoRoute) << path;
}

TEST(RoutePaths, TheTrailingSlashOfAPrefixDoesNotCount) {
  Routes routes({prefix_match("/v1/")});
  EXPECT_EQ(routes.get("/v1"), 0u);
  EXPECT_EQ(routes.get("/v1/x"), 0u);
  EXPECT_EQ(routes.get("/v10"), kNoRoute);
}

TEST(RoutePaths, TheRootAsPrefixTakesAllPathsButNoOtherForms) {
  Routes routes({prefix_match("/")});
  EXPECT_EQ(routes.get("/"), 0u);
  EXPECT_EQ(routes.get("/x"), 0u);
  EXPECT_EQ(routes.find(Request("OPTIONS", "*")), kNoRoute);
  EXPECT_EQ(routes.find(Request("CONNECT", "a.example:443", "a.example:443")), kNoRoute);
}

TEST(RoutePaths, ExpressionsMustMatchTheWholePath) {
  Routes routes({regex_match("/user/[0-9]+")});
  EXPECT_EQ(routes.get("/user/42"), 0u);
  EXPECT_EQ(routes.get("/user/42?x=y"), 0u);
  for (const char* path : {"/user/", "/user/42/", "/x/user/42", "/user/4a"})
    EXPECT_EQ(routes.get(path), kNoRoute) << path;
}

TEST(RoutePaths, AlternativesOfAnExpressionAreOfTheWholePath) {
  Routes routes({regex_match("/a|/b")});
  EXPECT_EQ(routes.get("/a"), 0u);
  EXPECT_EQ(routes.get("/b"), 0u);
  EXPECT_EQ(routes.get("/ab"), kNoRoute);
  EXPECT_EQ(routes.get("/a/b"), kNoRoute);
}

TEST(RoutePaths, AnExpressionThatDoesNotCompileTakesNothing) {
  Routes routes({regex_match("/a(")});
  EXPECT_EQ(routes.get("/a("), kNoRoute);
  const Request request("GET", "/a(");
  EXPECT_NE(routes.table().explain(request, {}).at(0).why.find("does not compile"), std::string::npos);
}

TEST(RoutePaths, AreComparedInTheirNormalForm) {
  Routes routes({path_match("/admin"), prefix_match("/static"), regex_match("/r/[a-z]+")});
  EXPECT_EQ(routes.get("/%61dmin"), 0u);
  EXPECT_EQ(routes.get("/static/../admin"), 0u);
  EXPECT_EQ(routes.get("/static/%2e%2E/admin"), 0u);
  EXPECT_EQ(routes.get("/./static/./x"), 1u);
  EXPECT_EQ(routes.get("/x/../static"), 1u);
  EXPECT_EQ(routes.get("/r/%78"), 2u);
  EXPECT_EQ(routes.get("/static%2Fadmin"), kNoRoute);
}

TEST(RoutePaths, OfTheConfigurationAreNormalisedToo) {
  Routes routes({path_match("/%61/./b"), prefix_match("/%7euser/%2f")}, {.encoded_slash = config::EncodedSlash::keep});
  EXPECT_EQ(routes.get("/a/b"), 0u);
  const http::PathRules keep{.encoded_slash = http::EncodedSlash::keep};
  EXPECT_EQ(routes.find(Request("GET", "/~user/%2F/x", "a.example", "", keep)), 1u);
}

TEST(RoutePaths, SeveralKindsInOneRouteMustAllHold) {
  config::Match match;
  match.path_prefix = "/v1";
  match.path_regex = ".*\\.json";
  Routes routes({match});
  EXPECT_EQ(routes.get("/v1/a.json"), 0u);
  EXPECT_EQ(routes.get("/v1/a.xml"), kNoRoute);
  EXPECT_EQ(routes.get("/v2/a.json"), kNoRoute);
  match.path = "/v1/a.json";
  Routes exact({match});
  EXPECT_EQ(exact.get("/v1/a.json"), 0u);
  EXPECT_EQ(exact.get("/v1/b.json"), kNoRoute);
  match.path = "/v2/a.json";
  EXPECT_EQ(Routes({match}).get("/v2/a.json"), kNoRoute);
}

TEST(RouteTable, TakesTheAuthorityOfAnAbsoluteTarget) {
  Routes routes({host_match({"a.example"})});
  EXPECT_EQ(routes.find(Request("GET", "http://a.example/x", "a.example")), 0u);
}

TEST(RouteTable, FindsEachOfManyHostsAndPrefixes) {
  std::vector<config::Match> matches;
  for (int i = 0; i < 1000; ++i) {
    config::Match match = prefix_match("/p" + std::to_string(i));
    match.host = {"host" + std::to_string(i % 100) + ".example"};
    if (i % 3 == 0) match.host = {"*.zone" + std::to_string(i % 100) + ".example"};
    matches.push_back(match);
  }
  Routes routes(matches);
  // Not Routes::get, which looks at all routes for each request.
  base::Arena arena;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i % 100);
    const std::string host = i % 3 == 0 ? "x.zone" + number + ".example" : "host" + number + ".example";
    const std::string path = "/p" + std::to_string(i);
    EXPECT_EQ(routes.table().find(Request("GET", path + "/x", host), {}, arena), static_cast<std::uint32_t>(i));
    EXPECT_EQ(routes.table().find(Request("GET", path + "x", host), {}, arena), kNoRoute);
  }
}

TEST(RoutePaths, AsAccessRulesAreNotPassedByAnotherSpelling) {
  Routes routes({prefix_match("/admin"), {}});
  for (const char* target : {"/admin", "/admin/x", "//admin", "/admin//x", "/admin;a", "/admin;a/x", "/;", "/%61dmin",
                             "/x/../admin", "/x//..//admin", "/admin%3Ba", "/%2e//admin"}) {
    EXPECT_EQ(routes.get(target), target == std::string_view("/;") ? 1u : 0u) << target;
  }
  for (const char* target : {"/admin%2Fx", "/x%2F..%2Fadmin", "/admin%5Cx", "/x/..;/admin", "/;/admin"}) {
    EXPECT_NE(Request("GET", target).broken(), nullptr) << target;
  }
}

TEST(RoutePaths, OfTheConfigurationAreComparedInTheSameForm) {
  Routes routes({path_match("/a//b%3Ac"), prefix_match("/%78/./y")});
  EXPECT_EQ(routes.get("/a/b:c"), 0u);
  EXPECT_EQ(routes.get("/a/b%3ac"), 0u);
  EXPECT_EQ(routes.get("//x/y/z"), 1u);
}

TEST(RoutePaths, FollowTheRulesOfTheirListener) {
  const http::PathRules rules{.encoded_slash = http::EncodedSlash::decode};
  Routes routes({prefix_match("/admin"), {}}, {.encoded_slash = config::EncodedSlash::decode});
  EXPECT_EQ(routes.find(Request("GET", "/x%2f..%2fadmin%2fy", "a.example", "", rules)), 0u);
}

}  // namespace
}  // namespace weir::route
