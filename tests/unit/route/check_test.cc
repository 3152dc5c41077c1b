#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

std::string keys_of(const config::Route& route) {
  std::string keys;
  for (const Fault& fault : check(route)) {
    EXPECT_FALSE(fault.what.empty());
    keys += fault.key + ";";
  }
  return keys;
}

TEST(RouteCheck, FindsNothingWrongWithUsualRoutes) {
  config::Route route = route_to(regex_match("/a/(.*)"));
  route.match.host = {"a.example", "*.example", "*", "[::1]", "192.0.2.1", "my_host"};
  route.match.path_prefix = "/a%20b";
  route.match.method = {"GET", "M-SEARCH"};
  route.match.header = {{"x-a", config::MatchKind::regex, "[a-z]+"}};
  route.match.query = {{"q", config::MatchKind::regex, "[a-z]+"}};
  route.redirect = config::Redirect{.to = "https://{host}/{1}?{query}"};
  route.rewrite.path_prefix = "";
  route.rewrite.host = "internal.example:8080";
  route.request_headers = {.set = {{"X-A", "b c"}}, .add = {{"Via", "x"}}, .remove = {"cookie"}};
  EXPECT_EQ(keys_of(route), "");
  EXPECT_EQ(keys_of(route_to(path_match("*"))), "");
}

TEST(RouteCheck, RefusesHostsThatCanNeverMatch) {
  for (const char* host : {"", "*example.com", "a.*.example", "*.", "**", "a b", "a/b", "http://a", "a..b", ".a",
                           "a.example:80", "user@a", "*.*.example"}) {
    EXPECT_EQ(keys_of(route_to(host_match({host}))), "match.host;") << host;
  }
}

TEST(RouteCheck, RefusesPathsThatCanNeverMatch) {
  for (const char* path :
       {"", "a", "/a?b", "/a b", "/a#b", "/a%", "/a%zz", "/%00", "/..", "/a/../..", "/\\", "/\n", "/ä"}) {
    EXPECT_EQ(keys_of(route_to(path_match(path))), "match.path;") << path;
    EXPECT_EQ(keys_of(route_to(prefix_match(path))), "match.path_prefix;") << path;
  }
}

TEST(RouteCheck, RefusesExpressionsThatDoNotCompile) {
  config::Route route = route_to(regex_match("("));
  route.match.header = {{"x-a", config::MatchKind::regex, "["}};
  route.match.query = {{"q", config::MatchKind::regex, "(?=x)"}};
  route.rewrite.path_regex = "a**";
  EXPECT_EQ(keys_of(route), "match.path_regex;match.header;match.query;rewrite.path_regex;");
  EXPECT_NE(check(route)[2].what.find("look-around"), std::string::npos);
}

TEST(RouteCheck, RefusesNamesThatNoRequestHolds) {
  config::Route route;
  route.match.method = {"GE T", ""};
  route.match.header = {{"x a", config::MatchKind::present, ""}};
  route.match.query = {{"", config::MatchKind::present, ""}};
  EXPECT_EQ(keys_of(route), "match.method;match.method;match.header;match.query;");
}

TEST(RouteCheck, RefusesRedirectsThatCannotBeMade) {
  config::Route route = route_to(regex_match("/(a)"));
  for (const char* to : {"", "//b.example", "/{nope}", "/{2}", "https://{1}/", "/{"}) {
    route.redirect = config::Redirect{.to = to};
    EXPECT_EQ(keys_of(route), "redirect.to;") << to;
  }
}

TEST(RouteCheck, RefusesRewritesThatContradictThemselves) {
  config::Route route = route_to(prefix_match("/a"));
  route.rewrite.path_prefix = "/b";
  route.rewrite.path_regex = "x(y)";
  route.rewrite.substitution = "\\2";
  EXPECT_EQ(keys_of(route), "rewrite;rewrite.substitution;");
  route.rewrite = {.path_prefix = "b?c", .path_regex = {}, .substitution = "x", .host = "a b"};
  EXPECT_EQ(keys_of(route), "rewrite.path_prefix;rewrite.substitution;rewrite.host;");
  route = route_to(path_match("/a"));
  route.rewrite.path_prefix = "/b";
  EXPECT_EQ(keys_of(route), "rewrite.path_prefix;");
}

TEST(RouteCheck, RefusesHeadersThatCannotBeSent) {
  config::Route route;
  route.request_headers = {.set = {{"x y", "1"}}, .add = {{"x", "a\r\nb"}}, .remove = {"Transfer-Encoding", ""}};
  route.response_headers = {.set = {{"Host", "a"}}, .add = {}, .remove = {"content-length"}};
  EXPECT_EQ(keys_of(route),
            "request_headers.remove;request_headers.remove;request_headers.set;request_headers.add;"
            "response_headers.remove;response_headers.set;");
}

}  // namespace
}  // namespace weir::route
