#include "metrics/families.h"
#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

using pool::BackendState;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(GetHealth, SumsWeirUp) {
  ControlPlane plane(kFile);
  plane.registry.gauge(metrics::families::kConnectionsActive, {"web"}).add(0, 12);
  plane.clock.advance(seconds(90));
  plane.publisher.set_health(*plane.publisher.find({"site", "web-1"}), BackendState::healthy, plane.clock.now());
  ApiResponse response = plane.call("GET", "/health");
  EXPECT_EQ(response.status, 200);
  Json json = json_of(response);
  EXPECT_EQ(json["status"], "ok");
  EXPECT_EQ(json["load_balancer_id"], "weir-test");
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["uptime_seconds"], 90.0);
  EXPECT_EQ(json["active_connections"], 12);
  EXPECT_EQ(json["requests_per_sec"], 0.0);
  EXPECT_EQ(json["backend_health"]["total"], 3);
  EXPECT_EQ(json["backend_health"]["healthy"], 1);
  EXPECT_EQ(json["backend_health"]["unknown"], 2);
  EXPECT_EQ(json["backend_health"]["unhealthy"], 0);
}

TEST(GetHealth, CountsRequestsOverTheLastTenSeconds) {
  ControlPlane plane(kFile);
  metrics::Counter requests =
      plane.registry.counter(metrics::families::kRequests, {"web", "r", "site", "web-1", "200"});
  for (int second = 0; second < 30; ++second) {
    plane.api.tick();
    requests.add(1, second < 15 ? 1000 : 50);
    plane.clock.advance(seconds(1));
  }
  plane.api.tick();
  EXPECT_EQ(json_of(plane.call("GET", "/health"))["requests_per_sec"], 50.0);
}

TEST(GetHealth, RequestsOfWhatIsGoneStayCounted) {
  ControlPlane plane(kFile);
  auto requests = [&](const char* backend) {
    return plane.registry.counter(metrics::families::kRequests, {"web", "r", "site", backend, "200"});
  };
  requests("web-1").add(1, 5000);
  plane.api.tick();
  requests("web-2").add(1, 50);
  plane.registry.release("backend", "web-1", "pool", "site");
  plane.clock.advance(seconds(1));
  plane.api.tick();
  EXPECT_EQ(json_of(plane.call("GET", "/health"))["requests_per_sec"], 50.0);
}

TEST(Readiness, EndsWhenWeirDrains) {
  ControlPlane plane(kFile);
  EXPECT_EQ(plane.call("GET", "/health/ready").status, 200);
  EXPECT_EQ(plane.call("GET", "/health/live").status, 200);
  plane.draining = true;
  EXPECT_EQ(plane.call("GET", "/health/ready").status, 503);
  EXPECT_EQ(plane.call("GET", "/health").status, 503);
  EXPECT_EQ(json_of(plane.call("GET", "/health"))["status"], "draining");
  EXPECT_EQ(plane.call("GET", "/health/live").status, 200);
}

TEST(Readiness, BeginsWithTheFirstSnapshot) {
  FragileStore store;
  store.cannot_load = true;
  ControlPlane plane(kFile, &store);
  EXPECT_FALSE(plane.start);
  EXPECT_EQ(plane.snapshot(), nullptr);
}

TEST(GetConfig, ShowsTheOriginOfEveryObjectAndTheOverrides) {
  ControlPlane plane(kFile);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})");
  plane.call("POST", "/backends/web-1/drain");
  plane.call("PATCH", "/backends/web-2", R"({"weight": 9})");
  ApiResponse response = plane.call("GET", "/config");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(header(response, "ETag").empty());
  Json json = json_of(response);
  EXPECT_EQ(json["pools"][0]["origin"]["file"], "weir.yaml");
  EXPECT_EQ(json["pools"][0]["origin"]["line"], 13);
  EXPECT_EQ(json["pools"][0]["backends"][2]["origin"]["file"], "api");
  EXPECT_EQ(json["listeners"][0]["routes"][0]["origin"]["file"], "weir.yaml");
  EXPECT_EQ(json["overrides"]["site/web-1"]["operation"], "draining");
  EXPECT_EQ(json["overrides"]["site/web-2"]["weight"], 9);
}

TEST(GetConnections, CountsByListenerAndBackend) {
  ControlPlane plane(kFile);
  plane.registry.gauge(metrics::families::kConnectionsActive, {"web"}).add(0, 3);
  plane.registry.gauge(metrics::families::kConnectionsActive, {"web"}).add(1, 4);
  auto backend = plane.publisher.find({"site", "web-1"});
  backend->in_flight = 2;
  for (int i = 0; i < 5; ++i) backend->places.claim(0);
  backend->places.begin_waiting(0);
  Json json = json_of(plane.call("GET", "/connections"));
  EXPECT_EQ(json["active_connections"], 7);
  EXPECT_EQ(json["listeners"][0]["listener"], "web");
  EXPECT_EQ(json["listeners"][0]["active_connections"], 7);
  EXPECT_EQ(json["listeners"][1]["active_connections"], 0);
  EXPECT_EQ(json["backends"][0]["id"], "web-1");
  EXPECT_EQ(json["backends"][0]["active_connections"], 2);
  EXPECT_EQ(json["backends"][0]["open_connections"], 5);
  EXPECT_EQ(json["backends"][0]["queued"], 1);
}

TEST(GetMetrics, IsTheRegistrysText) {
  ControlPlane plane(kFile);
  plane.registry.counter("weir_test_total", "A test.").add(0, 3);
  ApiResponse response = plane.call("GET", "/metrics");
  EXPECT_EQ(header(response, "Content-Type"), metrics::Registry::kContentType);
  EXPECT_THAT(response.body, HasSubstr("weir_test_total 3\n"));
}

TEST(GetEvents, BeginsWithWhatHappensNext) {
  ControlPlane plane(kFile);
  plane.call("POST", "/backends/web-1/drain");
  ApiResponse response = plane.call("GET", "/events");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "Content-Type"), "text/event-stream");
  EXPECT_EQ(response.events_after, 1u);
}

TEST(GetEvents, GoesOnAfterTheLastOneSeen) {
  ControlPlane plane(kFile);
  for (int i = 0; i < 3; ++i) plane.call("POST", "/backends/web-1/drain");
  ApiRequest request = ControlPlane::local("GET", "/events");
  auto after = [&](const char* last) {
    request.last_event_id = last;
    return plane.handle(request);
  };
  std::string second = plane.events.to_sse(plane.events.after(1).front());
  std::string id = second.substr(4, second.find('\n') - 4);
  EXPECT_EQ(after(id.c_str()).events_after, 2u);
  EXPECT_EQ(after(id.c_str()).body, "") << "nothing was missed";
  for (const char* wrong : {"x", "1", "1-", "-1", "1-x"}) EXPECT_EQ(after(wrong).status, 400) << wrong;
}

TEST(Events, TellOfChangesThatHappened) {
  ControlPlane plane(kFile);
  plane.call("POST", "/backends/web-1/drain?dry_run=true");
  plane.call("POST", "/backends/nobody/drain");
  plane.call("GET", "/backends");
  EXPECT_EQ(plane.events.last_number(), 0u);
  plane.call("POST", "/backends/web-1/drain");
  std::vector<control::Event> events = plane.events.after(0);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "change");
  Json json = Json::parse(events[0].data);
  EXPECT_EQ(json["who"], "127.0.0.1:5555");
  EXPECT_EQ(json["method"], "POST");
  EXPECT_EQ(json["path"], "/backends/web-1/drain");
}

TEST(Events, SayWhenAndOfWhichObject) {
  ControlPlane plane(kFile);
  auto last = [&] { return Json::parse(plane.events.after(plane.events.last_number() - 1).front().data); };
  struct Case {
    const char *method, *path, *body, *object, *id;
  };
  for (const Case& one : std::vector<Case>{
           {"POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "x"})", "backend", "site/x"},
           {"POST", "/backends/x/drain", "", "backend", "site/x"},
           {"POST", "/backends/x/drain", "", "backend", "x"},  // changes nothing
           {"POST", "/pools", R"({"name": "p"})", "pool", "p"},
           {"PUT", "/config/algorithm", R"({"algorithm": "random", "pool": "p"})", "pool", "p"},
           {"PUT", "/listeners/l", R"({"address": "127.0.0.1:8090", "pool": "p"})", "listener", "l"},
           {"PUT", "/routing-rules/r", R"({"path_prefix": "/r", "backends": ["x"]})", "rule", "r"},
           {"DELETE", "/backends/x", "", "backend", "site/x"},
       }) {
    ASSERT_LT(plane.call(one.method, one.path, one.body).status, 300) << one.path;
    EXPECT_EQ(last()["object"], one.object) << one.path;
    EXPECT_EQ(last()["id"], one.id) << one.path;
    EXPECT_THAT(std::string(last()["time"]), testing::MatchesRegex("20..-..-..T..:..:......Z"));
  }
}

std::int64_t some_time() { return 1'767'225'600'000; }

TEST(EventLog, TellsAClientWhatItHasMissedForGood) {
  control::EventLog log(3, some_time);
  for (int i = 1; i <= 5; ++i) log.append("change", "{}");
  auto start = log.start_after("1767225600000-1");
  ASSERT_TRUE(start);
  EXPECT_EQ(start->after, 2u);
  EXPECT_EQ(log.opening(*start),
            "id: 1767225600000-2\nevent: gap\n"
            "data: {\"time\":\"2026-01-01T00:00:00.000Z\",\"reason\":\"too_old\",\"missed\":1}\n\n");
  EXPECT_EQ(log.opening(*log.start_after("1767225600000-2")), "");
  for (const char* other : {"1767225500000-2", "1767225600000-6"}) {
    auto restarted = log.start_after(other);
    EXPECT_EQ(restarted->after, 2u) << other << ": all that is kept is sent";
    EXPECT_THAT(log.opening(*restarted), HasSubstr("\"restart\",\"missed\":null")) << other;
  }
}

TEST(EventLog, KeepsTheLastOnes) {
  control::EventLog log(3, some_time);
  int told = 0;
  log.on_append([&] { ++told; });
  for (int i = 1; i <= 5; ++i) log.append("change", fmt::format(R"({{"n":{}}})", i));
  EXPECT_EQ(told, 5);
  EXPECT_EQ(log.last_number(), 5u);
  std::vector<control::Event> events = log.after(1);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events.front().number, 3u) << "2 is lost, and the gap shows it";
  EXPECT_TRUE(log.after(5).empty());
  EXPECT_TRUE(log.after(99).empty());
  EXPECT_EQ(log.to_sse(events.back()),
            "id: 1767225600000-5\nevent: change\ndata: {\"time\":\"2026-01-01T00:00:00.000Z\",\"n\":5}\n\n");
}

TEST(GetOpenapi, DescribesEveryCallWithSchemasThatExist) {
  ControlPlane plane;
  ApiResponse response = plane.call("GET", "/openapi.json");
  EXPECT_EQ(response.status, 200);
  Json json = json_of(response);
  EXPECT_EQ(json["openapi"], "3.1.0");
  EXPECT_EQ(json["info"]["version"], "1.2.3");
  EXPECT_TRUE(json["paths"]["/backends"].contains("post"));
  EXPECT_TRUE(json["paths"]["/backends/{id}/drain"].contains("post"));
  EXPECT_EQ(json["paths"]["/backends/{id}"]["get"]["parameters"][0]["name"], "id");
  EXPECT_EQ(json["paths"]["/backends"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"],
            "#/components/schemas/new_backend");
  for (const Json& parameter : json["paths"]["/config/reload"]["post"].value("parameters", Json::array())) {
    EXPECT_NE(parameter["name"], "dry_run");
  }
  std::set<std::string> ids;
  for (const auto& [path, operations] : json["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
    }
  }
  Json flat = json.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (!pointer.ends_with("/$ref")) continue;
    std::string reference = value;
    ASSERT_TRUE(reference.starts_with("#/")) << reference;
    EXPECT_TRUE(json.contains(Json::json_pointer(reference.substr(1)))) << reference;
  }
}

TEST(GetIndex, IsServedToWhoHasNoTokenYet) {
  ControlPlane plane(kFile + "admin:\n  tokens: [{name: t, role: viewer, sha256: " + std::string(64, '0') + "}]\n");
  EXPECT_EQ(plane.call("GET", "/").status, 200);
  EXPECT_EQ(plane.call("GET", "/backends").status, 401);
}

TEST(GetIndex, IsAPageWithoutForeignResources) {
  ControlPlane plane;
  ApiResponse response = plane.call("GET", "/");
  EXPECT_EQ(header(response, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(header(response, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(response.body, HasSubstr("<title>Weir</title>"));
  EXPECT_EQ(response.body.find("://"), std::string::npos);
}

}  // namespace
}  // namespace weir::api
