// /routing-rules and /routing-rules/{id}.
#include "tests/unit/api/fixture.h"

namespace weir::api {
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

TEST(Rules, TwoNeverTakeTheSameHostAndPath) {
  ControlPlane plane(kFile);
  const char* rule = R"({"path_prefix": "/r", "host": "A.example", "backends": ["web-1"]})";
  ASSERT_EQ(plane.call("POST", "/routing-rules", rule).status, 201);
  ApiResponse again =
      plane.call("POST", "/routing-rules", R"({"path_prefix": "/r", "host": "a.example", "backends": ["api-1"]})");
  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_EQ(json_of(again)["field"], "path_prefix");
  EXPECT_EQ(plane.call("PUT", "/routing-rules/other", rule).status, 409);
  std::string other = R"({"path_prefix": "/r", "backends": ["web-1"]})";
  EXPECT_EQ(plane.call("PUT", "/routing-rules/other", other).status, 201) << "another host";
  EXPECT_EQ(plane.call("PUT", "/routing-rules/other", other).status, 200) << "itself";
  EXPECT_EQ(plane.call("PUT", "/routing-rules/other", rule).status, 409);
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
}  // namespace weir::api
