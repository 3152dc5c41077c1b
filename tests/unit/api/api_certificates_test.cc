#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

constexpr const char* kBody = R"({"cert": "PEM", "key": "PEM"})";

TEST(ApiCertificates, HaveNamesAsEverythingElseHas) {
  ControlPlane plane(kFile);
  for (const std::string& name :
       {std::string("two%0Alines"), std::string("%ff"), std::string("a%20b"), std::string(129, 'a')}) {
    ApiResponse refused = plane.call("PUT", "/certificates/" + name, kBody);
    EXPECT_EQ(refused.status, 400) << name;
    EXPECT_EQ(Json::parse(refused.body)["errors"][0]["field"], "name") << refused.body;
  }
  EXPECT_EQ(plane.call("PUT", "/certificates/site_1.example-2", kBody).status, 201);
}

}  // namespace
}  // namespace weir::api
