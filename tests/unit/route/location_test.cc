#include "route/location.h"

#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

std::string redirect(const char* to, const http::RequestHead& request, const char* path_regex = nullptr) {
  config::Listener listener;
  config::Route route;
  route.redirect = config::Redirect{.to = to};
  if (path_regex != nullptr) route.match.path_regex = path_regex;
  listener.routes.push_back(route);
  const auto table = Table::compile(listener);
  base::Arena arena;
  const SetValues values({{config::Variable::scheme, "https"},
                          {config::Variable::client, "10.0.0.1"},
                          {config::Variable::listener_port, "8443"},
                          {config::Variable::tls_sni, "sni.example"},
                          {config::Variable::request_id, "a/../b"}});
  return std::string(table->redirect_location(0, request, values, arena));
}
std::string redirect_get(const char* to, std::string_view target, const char* path_regex = nullptr) {
  const Request request("GET", target, "a.example:8080");
  return redirect(to, request, path_regex);
}

TEST(Location, OfAPathKeepsTheQuery) {
  EXPECT_EQ(redirect_get("/new", "/old"), "/new");
  EXPECT_EQ(redirect_get("/new", "/old?a=1&b=2"), "/new?a=1&b=2");
  EXPECT_EQ(redirect_get("/new", "/old?"), "/new");
}

TEST(Location, OfAPathWithAQueryOfItsOwnDropsTheRequests) {
  EXPECT_EQ(redirect_get("/new?x=1", "/old?a=1"), "/new?x=1");
  EXPECT_EQ(redirect_get("/new?x=1&{query}", "/old?a=1"), "/new?x=1&a=1");
}

TEST(Location, PutsTheKeptQueryBeforeAFragment) {
  EXPECT_EQ(redirect_get("/new#part", "/old?a=1"), "/new?a=1#part");
  EXPECT_EQ(redirect_get("/new#part", "/old"), "/new#part");
}

TEST(Location, OfAnAbsoluteUrlKeepsTheQueryAlike) {
  EXPECT_EQ(redirect_get("https://b.example/new", "/old?a=1"), "https://b.example/new?a=1");
  EXPECT_EQ(redirect_get("https://b.example/new", "/old"), "https://b.example/new");
  EXPECT_EQ(redirect_get("https://b.example", "/old?a=1"), "https://b.example/?a=1");
  EXPECT_EQ(redirect_get("https://b.example/new?x=1", "/old?a=1"), "https://b.example/new?x=1");
  EXPECT_EQ(redirect_get("https://b.example/new#part", "/old?a=1"), "https://b.example/new?a=1#part");
}

TEST(Location, WithAQuestionMarkAtItsEndDropsTheQuery) {
  EXPECT_EQ(redirect_get("/new?", "/old?a=1"), "/new");
  EXPECT_EQ(redirect_get("https://b.example/new?", "/old?a=1"), "https://b.example/new");
}

TEST(Location, TakesAllVariables) {
  EXPECT_EQ(redirect_get("https://{host}:{listener_port}{path}", "/old"), "https://a.example:8443/old");
  EXPECT_EQ(redirect_get("https://{tls.sni}/from/{client}", "/old"), "https://sni.example/from/10.0.0.1");
  EXPECT_EQ(redirect_get("/x?method={method}&to={host}", "/old"), "/x?method=GET&to=a.example");
  EXPECT_EQ(redirect_get("/a{{b}", "/old"), "/a%7Bb%7D");
  const Request request("GET", "/x", "a.example", "X-To: //evil.example\r\n");
  EXPECT_EQ(redirect("{header.x-to}", request), "/evil.example");
  EXPECT_EQ(redirect("https://b.example{header.x-to}", request), "https://b.example//evil.example");
  EXPECT_EQ(redirect("https://{header.x-to}.b.example/", request), "");
}

TEST(Location, ReplacesVariables) {
  EXPECT_EQ(redirect_get("{scheme}://{host}{path}?{query}", "/old/x?a=1"), "https://a.example/old/x?a=1");
  EXPECT_EQ(redirect_get("https://www.{host}{path}", "/old"), "https://www.a.example/old");
  EXPECT_EQ(redirect_get("https://{host}:8443{path}", "/old"), "https://a.example:8443/old");
  EXPECT_EQ(redirect_get("/new{path}", "/old?x"), "/new/old?x");
}

TEST(Location, LeavesOutTheQuestionMarkOfAnEmptyQuery) {
  EXPECT_EQ(redirect_get("https://{host}{path}?{query}", "/old"), "https://a.example/old");
  EXPECT_EQ(redirect_get("https://b.example?{query}", "/old?a=1"), "https://b.example/?a=1");
}

TEST(Location, ReplacesGroupsOfThePathExpression) {
  EXPECT_EQ(redirect_get("/user/{2}/of/{1}", "/a/b", "/([a-z]+)/([a-z]+)"), "/user/b/of/a");
  EXPECT_EQ(redirect_get("/all{0}", "/a/b", "/.*"), "/all/a/b");
  EXPECT_EQ(redirect_get("/x{1}", "/b", "(/a)?/b"), "/x");
  EXPECT_EQ(redirect_get("https://{1}.b.example/", "/t/acme", "/t/([a-z]+)"), "https://acme.b.example/");
}

TEST(Location, KeepsTheFormOfIpv6Hosts) {
  const Request request("GET", "/x", "[2001:db8::1]:8080");
  EXPECT_EQ(redirect("https://{host}{path}", request), "https://[2001:db8::1]/x");
}

TEST(Location, OfAPathNeverBeginsWithTwoSlashes) {
  EXPECT_EQ(redirect_get("{path}", "//evil.example/x"), "/evil.example/x");
  EXPECT_EQ(redirect_get("/{1}", "/go//evil.example", "/go/(.*)"), "/evil.example");
  EXPECT_EQ(redirect_get("//evil.example", "/"), "/evil.example");
  EXPECT_EQ(redirect_get("{1}/", "/a", "/a(x?)"), "/");
}

TEST(Location, OfAPathNeverGetsASchemeFromTheRequest) {
  EXPECT_EQ(redirect_get("{1}", "/go/https:evil.example", "/go/(.*)"), "/https:evil.example");
  EXPECT_EQ(redirect_get("{1}", "/go/javascript:alert(1)", "/go/(.*)"), "/javascript:alert(1)");
}

TEST(Location, EncodesBackslashesWhichBrowsersTakeForSlashes) {
  Request request("GET", "/x");
  request.head().path = "/\\evil.example";
  EXPECT_EQ(redirect("{path}", request), "/%5Cevil.example");
}

TEST(Location, HoldsNoControlBytesWhateverTheRequestHolds) {
  Request request("GET", "/x");
  request.head().path = std::string_view("/a\r\nSet-Cookie: x\0\x7f\xc3\xa4", 21);
  request.head().query = "q=\r\n\t\"<>";
  const std::string location = redirect("{path}", request);
  EXPECT_EQ(location, "/a%0D%0ASet-Cookie:%20x%00%7F%C3%A4?q=%0D%0A%09%22%3C%3E");
  EXPECT_EQ(redirect("/x?{query}", request), "/x?q=%0D%0A%09%22%3C%3E");
}

TEST(Location, HoldsNoControlBytesWhateverTheConfigurationHolds) {
  EXPECT_EQ(redirect_get("/a\r\nX-Evil: 1", "/"), "/a%0D%0AX-Evil:%201");
}

TEST(Location, DoesNotDecodeWhatTheClientEncoded) {
  EXPECT_EQ(redirect_get("/new{path}", "/a%0d%0ab"), "/new/a%0D%0Ab");
}

TEST(Location, BehindACompleteHostAVariableBeginsAPath) {
  EXPECT_EQ(redirect_get("https://b.example{1}", "/go.evil.example", "/go(.*)"), "https://b.example/.evil.example");
  EXPECT_EQ(redirect_get("https://b.example{1}", "/go/x", "/go(.*)"), "https://b.example/x");
  EXPECT_EQ(redirect_get("https://b.example{1}/", "/go@evil.example", "/go(.*)"), "https://b.example/@evil.example/");
  EXPECT_EQ(redirect_get("https://b.example:{1}/", "/go80@evil.example", "/go(.*)"),
            "https://b.example:/80@evil.example/");
  EXPECT_EQ(redirect_get("https://b.example?{query}{1}", "/go.evil.example", "/go(.*)"),
            "https://b.example/.evil.example");
  EXPECT_EQ(redirect_get("https://b.example{scheme}{1}", "/go.evil.example", "/go(.*)"),
            "https://b.examplehttps/.evil.example");
}

TEST(Location, WithinAHostTakesOnlyWhatHostsHold) {
  EXPECT_EQ(redirect_get("https://{1}.b.example/", "/go/evil.example/x", "/go/(.*)"), "");
  EXPECT_EQ(redirect_get("https://{1}.b.example/", "/go/evil.example@", "/go/(.*)"), "");
  EXPECT_EQ(redirect_get("https://{1}.b.example/", "/go/%23", "/go/(.*)"), "");
}

TEST(Location, NeverLeavesTheWholeHostToTheRequestsPath) {
  EXPECT_EQ(redirect_get("https://{1}/x", "/go/evil.example", "/go/(.*)"), "");
  EXPECT_EQ(redirect_get("https://{1}:443/x", "/go/evil.example", "/go/(.*)"), "");
  EXPECT_EQ(redirect_get("https://{path}", "//evil.example"), "");
}

TEST(Location, NeedsAUsableHostForItsVariable) {
  Request request("GET", "/x");
  for (const char* authority : {"", ":80", "user@evil.example", "a b", "a\r\nb", "a/b", "[::1", "a,b", "[]"}) {
    request.head().authority = authority;
    EXPECT_EQ(redirect("https://{host}/", request), "") << authority;
    EXPECT_EQ(redirect("/plain", request), "/plain") << authority;
  }
}

TEST(Location, OfRequestsWithoutAPathIsStillAPath) {
  EXPECT_EQ(redirect("{path}", Request("OPTIONS", "*")), "/*");
  EXPECT_EQ(redirect("{path}", Request("CONNECT", "a.example:1", "a.example:1")), "/");
}

TEST(Location, OfLongTargetsIsWhole) {
  const std::string path = "/" + std::string(7000, 'x');
  EXPECT_EQ(redirect_get("/new{path}", path), "/new" + path);
}

TEST(Location, GivesNothingForGroupsThatAreNotThere) {
  EXPECT_EQ(redirect_get("/x/{1}", "/a"), "/x/");
  EXPECT_EQ(redirect_get("/x/{2}", "/a", "/(a)"), "/x/");
  EXPECT_EQ(redirect_get("", "/a"), "/");
}

TEST(Location, NeedsAHostInAUrl) { EXPECT_EQ(redirect_get("https:///x", "/a"), ""); }

TEST(Location, WritesUnknownVariablesEncoded) {
  EXPECT_EQ(redirect_get("/{user}", "/"), "/%7Buser%7D");
  EXPECT_EQ(redirect_get("/{path", "/"), "/%7Bpath");
}

}  // namespace
}  // namespace weir::route
