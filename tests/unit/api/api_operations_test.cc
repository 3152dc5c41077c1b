// The calls of operators about backends, and about their health.
#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

using pool::BackendState;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

void make(ControlPlane& plane) {
  ASSERT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})").status, 201);
}
Json get(ControlPlane& plane) { return json_of(plane.call("GET", "/backends/made")); }

TEST(GetBackendHealth, ShowsWhatTheProberKnows) {
  ControlPlane plane(kFile);
  health::HealthDetails details;
  details.state = BackendState::unhealthy;
  details.since_unix_ms = 1'700'000'000'123;
  details.consecutive_failures = 3;
  details.last_check = {.at_unix_ms = 1'700'000'001'000,
                        .result = {.ok = false, .latency = std::chrono::microseconds(1500), .error = "status 503"}};
  details.history = {{1'700'000'000'123, BackendState::healthy, BackendState::unhealthy, "3 failures in a row"}};
  plane.health_details = details;
  Json json = json_of(plane.call("GET", "/backends/web-1/health"));
  EXPECT_EQ(json["status"], "unknown");
  EXPECT_EQ(json["probed_status"], "unhealthy");
  EXPECT_EQ(json["since"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["consecutive_failures"], 3);
  EXPECT_EQ(json["last_check"]["at"], "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(json["last_check"]["ok"], false);
  EXPECT_EQ(json["last_check"]["latency_ms"], 1.5);
  EXPECT_EQ(json["last_check"]["error"], "status 503");
  EXPECT_EQ(json["history"][0]["to"], "unhealthy");
  EXPECT_EQ(json["total_requests"], 0);
}

TEST(GetBackendHealth, IsUnknownBeforeTheFirstProbe) {
  ControlPlane plane(kFile);
  Json json = json_of(plane.call("GET", "/backends/web-1/health"));
  EXPECT_EQ(json["status"], "unknown");
  EXPECT_EQ(json["last_check"], nullptr);
  EXPECT_TRUE(json["history"].empty());
  EXPECT_EQ(plane.call("GET", "/backends/nobody/health").status, 404);
}

TEST(Operators, DrainStopsNewWorkAndEnableBringsItBack) {
  ControlPlane plane(kFile);
  make(plane);
  ApiResponse response = plane.call("POST", "/backends/made/drain?drain_timeout=5s");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json_of(response)["status"], "draining");
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  ASSERT_EQ(plane.left.size(), 1u);
  EXPECT_EQ(plane.left[0].timeout, seconds(5));
  EXPECT_FALSE(plane.left[0].removed);
  EXPECT_EQ(json_of(plane.call("POST", "/backends/made/enable"))["status"], "unknown");
  EXPECT_THAT(plane.eligible("site"), Contains("made"));
  EXPECT_EQ(plane.call("POST", "/backends/nobody/drain").status, 404);
}

TEST(Operators, ABodyThatNobodyReadsIsRefused) {
  ControlPlane plane(kFile);
  make(plane);
  for (const auto& [method, path] :
       {std::pair{"POST", "/backends/made/drain"}, {"POST", "/backends/made/disable"}, {"DELETE", "/backends/made"}}) {
    ApiResponse response = plane.call(method, path, R"({"drain_timeout": "1s"})");
    EXPECT_EQ(response.status, 400) << path;
    EXPECT_THAT(response.body, HasSubstr("takes no body"));
  }
  EXPECT_THAT(plane.call("POST", "/backends/made/drain", "{}").body, HasSubstr("pool drain_timeout"));
  EXPECT_EQ(get(plane)["status"], "unknown");
}

TEST(Operators, ASecondDrainMaySayAnotherTimeout) {
  ControlPlane plane(kFile);
  make(plane);
  plane.call("POST", "/backends/made/drain");
  plane.call("POST", "/backends/made/drain");
  EXPECT_EQ(plane.call("POST", "/backends/made/drain?drain_timeout=1s&dry_run=true").status, 200);
  EXPECT_EQ(plane.left.size(), 1u);
  EXPECT_EQ(plane.call("POST", "/backends/made/drain?drain_timeout=5s").status, 200);
  ASSERT_EQ(plane.left.size(), 2u);
  EXPECT_EQ(plane.left[1].id, "made");
  EXPECT_EQ(plane.left[1].timeout, seconds(5));
}

TEST(Operators, ADrainedBackendGoesOnWithItsProbedHealth) {
  ControlPlane plane(kFile);
  make(plane);
  plane.call("POST", "/backends/made/drain");
  plane.publisher.set_health(*plane.publisher.find({"site", "made"}), BackendState::unhealthy, plane.clock.now());
  EXPECT_EQ(get(plane)["status"], "draining");
  EXPECT_EQ(json_of(plane.call("POST", "/backends/made/enable"))["status"], "unhealthy");
}

TEST(FileBackend, IsReadOnlyButForItsOperationalState) {
  ControlPlane plane(kFile);
  for (const char* body : {R"({"port": 81})", R"({"max_connections": 5})", R"({"health_check_path": "/x"})"}) {
    ApiResponse response = plane.call("PATCH", "/backends/web-1", body);
    EXPECT_EQ(response.status, 409) << body;
    Json problem = json_of(response);
    EXPECT_THAT(problem["detail"].get<std::string>(), HasSubstr("weir.yaml:15"));
    EXPECT_EQ(problem["origin"]["line"], 15);
  }
  EXPECT_EQ(plane.call("DELETE", "/backends/web-1").status, 409);
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/web-1", R"({"weight": 4})"))["weight"], 4);
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/web-1", R"({"enabled": false})"))["status"], "disabled");
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/web-1", R"({"enabled": true})"))["status"], "unknown");
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/web-1", R"({"health_override": "healthy"})"))["status"], "healthy");
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["weight"], 4) << "other patches keep the weight";
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/web-1", R"({"weight": null})"))["weight"], 1);
  EXPECT_EQ(json_of(plane.call("POST", "/backends/web-1/disable"))["status"], "disabled");
}

TEST(FileBackend, KeepsItsOperationalStateOverRestarts) {
  FragileStore store;
  {
    ControlPlane plane(kFile, &store);
    plane.call("POST", "/backends/web-1/disable");
    plane.call("PATCH", "/backends/web-2", R"({"weight": 9})");
  }
  ControlPlane plane(kFile, &store);
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "disabled");
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-2"))["weight"], 9);
}

TEST(FileBackend, DisabledInTheFileCanBeEnabled) {
  std::string file = kFile;
  file.replace(file.find("port: 80}"), 9, "port: 80, enabled: false}");
  ControlPlane plane(file);
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "disabled");
  EXPECT_EQ(json_of(plane.call("POST", "/backends/web-1/enable"))["status"], "unknown");
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["enabled"], true);
}

TEST(Operators, EjectForATimeAndReadmit) {
  ControlPlane plane(kFile);
  ApiResponse response = plane.call("POST", "/backends/web-1/eject?duration=90s");
  ASSERT_EQ(response.status, 200) << response.body;
  Json ejected = json_of(response)["ejected"];
  EXPECT_EQ(ejected["state"], "ejected");
  EXPECT_EQ(ejected["reason"], "by_operator");
  EXPECT_EQ(ejected["detail"], "an operator has ejected it");
  EXPECT_EQ(ejected["count"], 1);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2")) << "when it is answered";
  plane.clock.advance(seconds(90));
  plane.ejections.advance(plane.clock.now());
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["ejected"]["state"], "waits_for_trial");
  EXPECT_EQ(json_of(plane.call("POST", "/backends/web-1/readmit"))["ejected"], nullptr);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  Json health = json_of(plane.call("GET", "/backends/web-1/health"));
  EXPECT_EQ(health["ejected"], nullptr);
  ASSERT_EQ(health["ejections"].size(), 2u);
  EXPECT_EQ(health["ejections"][0]["action"], "ejected");
  EXPECT_EQ(health["ejections"][1]["reason"], nullptr);
}

TEST(Operators, EjectForTheLongestTimeOfThePoolWhenTheySayNone) {
  ControlPlane plane(kFile);
  ASSERT_EQ(plane.call("POST", "/backends/web-1/eject").status, 200);
  auto details = plane.ejections.details({"site", "web-1"}, plane.clock.now());
  EXPECT_EQ(details->until_unix_ms - details->since_unix_ms, 60'000);
}

TEST(Operators, CannotEjectTheLastBackendNorForNonsense) {
  ControlPlane plane(kFile);
  EXPECT_EQ(plane.call("POST", "/backends/web-1/eject?dry_run=true").status, 200);
  EXPECT_EQ(plane.eligible("site").size(), 2u);
  ASSERT_EQ(plane.call("POST", "/backends/web-1/eject").status, 200);
  ApiResponse last = plane.call("POST", "/backends/web-2/eject");
  EXPECT_EQ(last.status, 409);
  EXPECT_THAT(last.body, HasSubstr("is the last backend of the pool 'site'"));
  EXPECT_EQ(plane.call("POST", "/backends/web-2/eject?dry_run=true").status, 409) << "as without it";
  for (const char* duration : {"soon", "10", "1ms"}) {
    ApiResponse bad = plane.call("POST", std::string("/backends/web-1/eject?duration=") + duration);
    EXPECT_EQ(bad.status, 400) << duration;
    EXPECT_THAT(bad.body, HasSubstr("duration"));
  }
  EXPECT_EQ(plane.call("POST", "/backends/nobody/readmit").status, 404);
}

}  // namespace
}  // namespace weir::api
