// /routing-rules and /routing-rules/{id}.
#include "tests/unit/control/fixture.h"

namespace weir::control {
namespace {

TEST(Rules, WhatWasReadCanBeWrittenBack) {
  ControlPlane plane(kFile);
  for (const char* host : {"", R"("host": "a.example", )"}) {
    std::string body = fmt::format(R"({{{}"path_prefix": "/r", "backends": ["web-1", "api-1"]}})", host);
    EXPECT_LT(plane.call("PUT", "/routing-rules/r", body).status, 300);
    std::string shown = plane.call("GET", "/routing-rules/r").body;
    ApiResponse again = plane.call("PUT", "/routing-rules/r", shown);
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.body, shown);
  }
}

TEST(Rules, MayKeepABackendThatIsGoneButTakeNoneThatIsNot) {
  ControlPlane plane(kFile);
  ASSERT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})").status, 201);
  ASSERT_EQ(plane.call("PUT", "/routing-rules/r", R"({"path_prefix": "/r", "backends": ["made", "web-1"]})").status,
            201);
  ASSERT_EQ(plane.call("DELETE", "/backends/made").status, 200);
  std::string shown = plane.call("GET", "/routing-rules/r").body;
  ApiResponse again = plane.call("PUT", "/routing-rules/r", shown);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.body, shown);
  EXPECT_EQ(plane.call("PUT", "/routing-rules/other", R"({"path_prefix": "/o", "backends": ["site/made"]})").status,
            400);
  EXPECT_EQ(plane.call("PUT", "/routing-rules/r", R"({"path_prefix": "/r", "backends": ["site/other"]})").status, 400);
}

}  // namespace
}  // namespace weir::control
