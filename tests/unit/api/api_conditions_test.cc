// Conditional calls, what stands in the way of a deletion, and the pool that is made when it is first named.
#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

ApiResponse conditional(ControlPlane& plane, const std::string& method, const std::string& path, const char* match,
                        const char* none_match, const std::string& body = "{}") {
  ApiRequest request = ControlPlane::local(method, path);
  request.if_match = match;
  request.if_none_match = none_match;
  if (method != "GET") request.body = body, request.content_type = "application/json";
  return plane.handle(request);
}

TEST(Conditions, TheStarTellsCreatingFromReplacing) {
  ControlPlane plane(kFile);
  EXPECT_EQ(conditional(plane, "PUT", "/pools/p", "*", "").status, 412) << "there is nothing to replace";
  EXPECT_EQ(conditional(plane, "PUT", "/pools/p", "", "*").status, 201);
  EXPECT_EQ(conditional(plane, "PUT", "/pools/p", "", "*").status, 412) << "it is there already";
  EXPECT_EQ(conditional(plane, "PUT", "/pools/p", "*", "").status, 200);
  const char* rule = R"({"path_prefix": "/r", "backends": ["web-1"]})";
  EXPECT_EQ(conditional(plane, "PUT", "/routing-rules/r", "", "*", rule).status, 201);
  EXPECT_EQ(conditional(plane, "PUT", "/routing-rules/r", "", "*", rule).status, 412);
  const char* listener = R"({"address": "127.0.0.1:8090"})";
  EXPECT_EQ(conditional(plane, "PUT", "/listeners/l", "", "*", listener).status, 201);
  EXPECT_EQ(conditional(plane, "PUT", "/listeners/l", "", "*", listener).status, 412);
}

TEST(Conditions, AnUnchangedObjectIsNotSentAgain) {
  ControlPlane plane(kFile);
  std::string etag = header(plane.call("GET", "/pools/site"), "ETag");
  ApiResponse same = conditional(plane, "GET", "/pools/site", "", etag.c_str());
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(header(same, "ETag"), etag);
  EXPECT_EQ(conditional(plane, "GET", "/pools/site", "", "\"other\"").status, 200);
}

TEST(DeletePool, SaysWhoUsesIt) {
  ControlPlane plane(kFile);
  plane.call("POST", "/pools", R"({"name": "p"})");
  plane.call(
      "PUT", "/listeners/l",
      R"({"address": "127.0.0.1:8090", "pool": "p", "routes": [{"name": "r", "match": {"path": "/"}, "pool": "p"}]})");
  ApiResponse refused = plane.call("DELETE", "/pools/p");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(std::string(json_of(refused)["detail"]),
            "the pool 'p' is in use by listener 'l', route 'r' of listener 'l'; change or remove that first");
}

TEST(PutAlgorithm, MakesTheDefaultPoolWhereTheFileHasNone) {
  ControlPlane plane("log_level: info\n");
  ASSERT_TRUE(plane.start);
  EXPECT_EQ(plane.call("PUT", "/config/algorithm", R"({"algorithm": "random"})").status, 200);
  EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.1:80"})").status, 201);
  EXPECT_EQ(plane.call("PUT", "/config/algorithm", R"({"algorithm": "maglev"})").status, 200);
  EXPECT_EQ(json_of(plane.call("PUT", "/config/algorithm", R"({"algorithm": "p2c"})"))["previous_algorithm"], "maglev");
  EXPECT_EQ(plane.call("PUT", "/config/algorithm", R"({"algorithm": "p2c", "pool": "other"})").status, 400);
}

}  // namespace
}  // namespace weir::api
