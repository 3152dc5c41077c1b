// The configuration that merging the file with the API's objects makes.
#include "control/effective.h"

#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ApiResponse;
using api::ControlPlane;
using api::FragileStore;

using testing::ElementsAre;

const std::string kUnnamedRoutes = R"(
listeners:
  - name: web
    address: 127.0.0.1:8081
    redirect_to_https: 443
    routes:
      - {match: {path: /a}, pool: site}
      - {match: {path: /b}, pool: site}
pools:
  - name: site
    backends: [{id: web-1, host: 10.0.0.1, port: 80}]
)";

std::vector<std::string> route_names(const config::Listener& listener) {
  std::vector<std::string> names;
  for (const config::Route& route : listener.routes) names.push_back(route.name);
  return names;
}

TEST(Merging, RoutesOfRulesTakeNoNameThatAnotherRouteCanHave) {
  ControlPlane plane(kUnnamedRoutes);
  for (const char* id : {"2", "3", "redirect-to-https"}) {
    ApiResponse made = plane.call("PUT", fmt::format("/routing-rules/{}", id),
                                  fmt::format(R"({{"path_prefix": "/r{}", "backends": ["web-1"]}})", id));
    EXPECT_EQ(made.status, 201) << id << made.body;
  }
  EXPECT_THAT(
      route_names(plane.catalog.config().listeners.front()),
      ElementsAre("web/1", "web/2", "web/rule:2", "web/rule:3", "web/rule:redirect-to-https", "web/redirect-to-https"));
}

TEST(Merging, ARouteMoreInTheFileDoesNotClashWithARule) {
  FragileStore store;
  ControlPlane plane(kUnnamedRoutes, &store);
  EXPECT_EQ(plane.call("PUT", "/routing-rules/3", R"({"path_prefix": "/r", "backends": ["web-1"]})").status, 201);
  std::string file = kUnnamedRoutes;
  file.insert(file.find("pools:"), "      - {match: {path: /c}, pool: site}\n");
  EXPECT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(file))));
  ControlPlane next(file, &store);
  EXPECT_TRUE(next.start);
}

TEST(Merging, NamesOfRulesAndListenersMayBeLong) {
  std::string id(128, 'r'), file = kUnnamedRoutes;
  file.replace(file.find("name: web"), 9, "name: " + std::string(100, 'w'));
  ControlPlane plane(file);
  EXPECT_EQ(plane.call("PUT", "/routing-rules/" + id, R"({"path_prefix": "/r", "backends": ["web-1"]})").status, 201);
}

}  // namespace
}  // namespace weir::control
