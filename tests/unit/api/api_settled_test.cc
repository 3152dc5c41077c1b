#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

TEST(SettledChange, IsAnsweredWhenTheWorkersUseIt) {
  ControlPlane plane(kFile);
  net::Waiter confirmed;
  plane.workers_confirm = &confirmed;
  ControlPlane::Pending change = plane.begin("POST", "/pools", R"({"name": "p"})");
  EXPECT_NE(plane.pool("p"), nullptr) << "it is in effect";
  EXPECT_FALSE(*change);
  confirmed.wake();
  plane.turn();
  ASSERT_TRUE(*change);
  EXPECT_EQ((*change)->status, 201);
}

TEST(SettledChange, KeepsNoOtherWaiting) {
  ControlPlane plane(kFile);
  net::Waiter confirmed;
  plane.workers_confirm = &confirmed;
  ControlPlane::Pending change = plane.begin("POST", "/pools", R"({"name": "p"})");
  EXPECT_FALSE(*change);
  plane.workers_confirm = nullptr;
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "q"})").status, 201);
  EXPECT_FALSE(*change);
  confirmed.wake();
  plane.turn();
  EXPECT_TRUE(*change);
}

TEST(SettledChange, OfAnOperatorIsWaitedForAsWell) {
  ControlPlane plane(kFile);
  net::Waiter confirmed;
  plane.workers_confirm = &confirmed;
  ControlPlane::Pending change = plane.begin("POST", "/backends/web-1/disable");
  EXPECT_FALSE(*change);
  confirmed.wake();
  plane.turn();
  ASSERT_TRUE(*change);
  EXPECT_EQ((*change)->status, 200);
}

TEST(SettledChange, Is202WhileAWorkerIsLate) {
  ControlPlane plane(kFile);
  plane.late = {1};
  ApiResponse response = plane.call("POST", "/pools", R"({"name": "p"})");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(json_of(response)["name"], "p");
  EXPECT_EQ(header(response, "Location"), "/pools/p");
}

TEST(SettledChange, IsNoLookRefusalOrDryRun) {
  ControlPlane plane(kFile);
  plane.late = {1};
  EXPECT_EQ(plane.call("GET", "/pools").status, 200);
  EXPECT_EQ(plane.call("POST", "/pools?dry_run=true", R"({"name": "p"})").status, 201);
  EXPECT_EQ(plane.call("DELETE", "/pools/none").status, 404);
}

}  // namespace
}  // namespace weir::api
