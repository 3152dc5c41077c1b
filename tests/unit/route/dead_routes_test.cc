#include "route/dead_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> dead(std::vector<config::Match> matches, const config::Paths& paths = {}) {
  config::Config config;
  config::Listener& listener = config.listeners.emplace_back();
  listener.paths = paths;
  for (config::Match& match : matches) {
    listener.routes.push_back(route_to(std::move(match), "r" + std::to_string(listener.routes.size())));
  }
  std::vector<std::string> messages;
  for (const config::Fault& warning : dead_routes(config)) messages.push_back(warning.path + ": " + warning.message);
  return messages;
}

config::Match with_methods(config::Match match, std::vector<std::string> methods) {
  match.method = std::move(methods);
  return match;
}

TEST(DeadRoutes, AreTheLaterOfTwoAlike) {
  EXPECT_THAT(dead({prefix_match("/a"), prefix_match("/b"), prefix_match("/a//")}),
              ElementsAre(HasSubstr("listeners[0].routes[2]: route 'r2' takes no request: route 'r0' takes all")));
  EXPECT_THAT(dead({{}, path_match("/a"), {}}), ElementsAre(HasSubstr("'r2'")));
  EXPECT_THAT(dead({regex_match("/a.*"), regex_match("/a.*")}), ElementsAre(HasSubstr("'r1'")));
}

TEST(DeadRoutes, AreThoseWhosePredicatesAnEarlierOneCovers) {
  EXPECT_THAT(dead({with_methods(path_match("/a"), {"GET", "POST"}), with_methods(path_match("/a"), {"GET"})}),
              ElementsAre(HasSubstr("'r1'")));
  EXPECT_THAT(dead({path_match("/a"), with_methods(path_match("/a"), {"GET"})}), IsEmpty()) << "more predicates first";
  EXPECT_THAT(dead({with_methods(path_match("/a"), {"GET"}), with_methods(path_match("/a"), {"PUT"})}), IsEmpty());
}

TEST(DeadRoutes, AreThoseBehindOneForEveryPath) {
  EXPECT_THAT(dead({prefix_match("/"), {}}), ElementsAre(HasSubstr("'r1'")));
  EXPECT_THAT(dead({regex_match(".*"), prefix_match("/a"), path_match("/a")}), ElementsAre(HasSubstr("'r1'")));
  EXPECT_THAT(dead({prefix_match("/"), prefix_match("/a")}), IsEmpty()) << "the longer prefix goes before";
}

TEST(DeadRoutes, HaveAllTheirHostsTaken) {
  EXPECT_THAT(dead({host_match({"a.example"}), host_match({"b.example"}), host_match({"a.example", "b.example"})}),
              ElementsAre(HasSubstr("'r2'")));
  EXPECT_THAT(dead({host_match({"a.example"}), host_match({"a.example", "b.example"})}), IsEmpty());
  EXPECT_THAT(dead({host_match({"*.example"}), host_match({"a.example"}), {}}), IsEmpty());
}

TEST(DeadRoutes, MatchPathsThatTheListenerRefuses) {
  EXPECT_THAT(dead({prefix_match("/a%2fb")}), ElementsAre(HasSubstr("refuses all requests that it matches: encoded")));
  EXPECT_THAT(dead({prefix_match("/a%2fb")}, {.encoded_slash = config::EncodedSlash::keep}), IsEmpty());
}

}  // namespace
}  // namespace weir::route
