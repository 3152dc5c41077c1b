#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

struct Explained {
  std::vector<std::uint32_t> order;
  std::vector<std::string> why;
};
Explained explain(const std::vector<config::Match>& matches, const http::RequestHead& request) {
  Explained out;
  for (const Table::Reason& reason : Routes(matches).table().explain(request, *base::IpAddress::parse("192.0.2.1"))) {
    out.order.push_back(reason.route);
    out.why.push_back(reason.why);
  }
  return out;
}

TEST(RouteExplain, ListsEveryRouteTheMostSpecificFirst) {
  const Explained out =
      explain({{}, prefix_match("/a"), host_match({"a.example"}), host_match({"b.example"})}, Request("GET", "/a/b"));
  EXPECT_EQ(out.order, (std::vector<std::uint32_t>{2, 3, 1, 0}));
  EXPECT_EQ(out.why[0], "host a.example is a.example; any path; taken");
  EXPECT_EQ(out.why[1], "host a.example is not b.example");
  EXPECT_EQ(out.why[2], "any host; path /a/b is under /a; but route r2 comes before it");
  EXPECT_EQ(out.why[3], "any host; any path; but route r2 comes before it");
}

TEST(RouteExplain, SaysWhichPredicateDoesNotHold) {
  config::Match method;
  method.method = {"POST", "PUT"};
  config::Match header;
  header.header.push_back({"x-tenant", config::MatchKind::exact, "acme"});
  config::Match query;
  query.query.push_back({"debug", config::MatchKind::absent, ""});
  config::Match client;
  client.client = {*base::Cidr::parse("10.0.0.0/8")};
  const Explained out = explain({method, header, query, client, path_match("/x"), regex_match("/[0-9]"),
                                 prefix_match("/y"), host_match({"*.c.example", "d.example"})},
                                Request("GET", "/?debug"));
  std::vector<std::string> by_route(out.why.size());
  for (std::size_t i = 0; i < out.order.size(); ++i) by_route[out.order[i]] = out.why[i];
  EXPECT_EQ(by_route[0], "any host; any path; method GET is not POST or PUT");
  EXPECT_EQ(by_route[1], "any host; any path; it does not hold that header x-tenant is 'acme'");
  EXPECT_EQ(by_route[2], "any host; any path; it does not hold that query parameter debug is absent");
  EXPECT_EQ(by_route[3], "any host; any path; client 192.0.2.1 is not in 10.0.0.0/8");
  EXPECT_EQ(by_route[4], "any host; path / is not /x");
  EXPECT_EQ(by_route[5], "any host; path / does not match /[0-9]");
  EXPECT_EQ(by_route[6], "any host; path / is not under /y");
  EXPECT_EQ(by_route[7], "host a.example is not *.c.example or d.example");
}

TEST(RouteExplain, SaysEveryPredicateThatHolds) {
  config::Match match = prefix_match("/");
  match.host = {"*.example"};
  match.method = {"GET"};
  match.header.push_back({"x-a", config::MatchKind::present, ""});
  match.query.push_back({"v", config::MatchKind::prefix, "1"});
  match.client = {*base::Cidr::parse("192.0.2.0/24")};
  const Explained out = explain({match}, Request("GET", "/x?v=12", "a.example", "X-A: 1\r\n"));
  EXPECT_EQ(out.why[0],
            "host a.example is *.example; path /x is under /; method is GET; client 192.0.2.1 is in 192.0.2.0/24; "
            "header x-a is present; query parameter v begins with '1'; taken");
}

TEST(RouteExplain, ShowsThePathInTheFormThatIsCompared) {
  const Explained out = explain({path_match("/admin")}, Request("GET", "/x/../%61dmin"));
  EXPECT_EQ(out.why[0], "any host; path /admin is /admin; taken");
}

}  // namespace
}  // namespace weir::route
