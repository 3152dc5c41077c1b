#include "api/api.h"
#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

using pool::BackendState;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- without a file -------------------------------------------------------------------------------------------------

TEST(Backends, AreListedByAStateThatThereIs) {
  ControlPlane plane(kFile);
  EXPECT_EQ(json_of(plane.call("GET", "/backends?status=unknown"))["backends"].size(), 3u);
  EXPECT_EQ(json_of(plane.call("GET", "/backends?status=healthy"))["backends"].size(), 0u);
  for (const char* status : {"nonsense", "", "Healthy"}) {
    ApiResponse response = plane.call("GET", std::string("/backends?status=") + status);
    EXPECT_EQ(response.status, 400) << status;
    EXPECT_THAT(response.body, HasSubstr("unknown, healthy, unhealthy, draining, disabled"));
  }
}

TEST(PostBackends, AnswersWithTheBackendAndItsDefaults) {
  ControlPlane plane;
  ApiResponse response = plane.call("POST", "/backends", R"({"address": "10.0.0.1:8080"})");
  EXPECT_EQ(response.status, 201);
  Json json = json_of(response);
  EXPECT_EQ(json["id"], "10.0.0.1:8080");
  EXPECT_EQ(json["pool"], "default");
  EXPECT_EQ(json["host"], "10.0.0.1");
  EXPECT_EQ(json["port"], 8080);
  EXPECT_EQ(json["address"], "10.0.0.1:8080");
  EXPECT_EQ(json["weight"], 1);
  EXPECT_EQ(json["status"], "unknown");
  EXPECT_EQ(json["enabled"], true);
  EXPECT_EQ(json["max_connections"], 0);
  EXPECT_EQ(json["health_check_path"], "/health");
  EXPECT_EQ(json["active_connections"], 0);
  EXPECT_EQ(json["origin"]["file"], "api");
  EXPECT_EQ(header(response, "Location"), "/backends/10.0.0.1:8080?pool=default");
  EXPECT_THAT(header(response, "ETag"), testing::MatchesRegex("\"[0-9a-f]{16}\""));
  EXPECT_THAT(plane.eligible("default"), ElementsAre("10.0.0.1:8080"));
}

TEST(PostBackends, TakesHostAndPortAndEveryOption) {
  ControlPlane plane;
  ApiResponse response = plane.call("POST", "/backends",
                                    R"({"host": "10.0.0.1", "port": 81, "id": "one", "weight": 5, "max_connections": 9,
                                        "health_check_path": "/up", "enabled": false, "pool": "default"})");
  EXPECT_EQ(response.status, 201) << response.body;
  Json json = json_of(response);
  EXPECT_EQ(json["id"], "one");
  EXPECT_EQ(json["weight"], 5);
  EXPECT_EQ(json["max_connections"], 9);
  EXPECT_EQ(json["health_check_path"], "/up");
  EXPECT_EQ(json["enabled"], false);
  EXPECT_EQ(json["status"], "disabled");
  EXPECT_THAT(plane.eligible("default"), IsEmpty());
}

TEST(PostBackends, MakesTheDefaultPoolWhenTheFileHasNone) {
  ControlPlane plane(kFile);
  EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80"})").status, 201);
  EXPECT_THAT(plane.eligible("default"), ElementsAre("10.0.0.9:80"));
}

TEST(PostBackends, AddsToAPoolOfTheFile) {
  ControlPlane plane(kFile);
  EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site"})").status, 201);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2", "10.0.0.9:80"));
}

struct BadBody {
  const char* body;
  const char* field;
};
class PostBackendsWithABadBody : public testing::TestWithParam<BadBody> {};

TEST_P(PostBackendsWithABadBody, IsRefusedNamingTheField) {
  ControlPlane plane;
  ApiResponse response = plane.call("POST", "/backends", GetParam().body);
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
  Json problem = json_of(response);
  EXPECT_EQ(problem["status"], 400);
  EXPECT_EQ(problem["title"], "Bad Request");
  EXPECT_EQ(problem.value("field", ""), GetParam().field) << response.body;
  EXPECT_FALSE(problem["errors"].empty());
  EXPECT_EQ(plane.store.commits, 0);
  EXPECT_EQ(plane.published.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, PostBackendsWithABadBody,
    testing::Values(BadBody{R"({"address": "10.0.0.300:80"})", "address"},
                    BadBody{R"({"address": "no port"})", "address"}, BadBody{R"({"address": "10.0.0.1:0"})", "address"},
                    BadBody{R"({"address": "10.0.0.1:65536"})", "address"}, BadBody{R"({"address": ""})", "address"},
                    BadBody{R"({"address": 17})", "address"}, BadBody{R"({"host": "a b", "port": 80})", "host"},
                    BadBody{R"({"host": "a.example", "port": 0})", "port"},
                    BadBody{R"({"host": "a.example", "port": 65536})", "port"},
                    BadBody{R"({"host": "a.example", "port": "80"})", "port"},
                    BadBody{R"({"host": "a.example", "port": 80.5})", "port"},
                    BadBody{R"({"host": "a.example", "port": -1})", "port"},
                    BadBody{R"({"address": "10.0.0.1:80", "weight": -1})", "weight"},
                    BadBody{R"({"address": "10.0.0.1:80", "weight": 1001})", "weight"},
                    BadBody{R"({"address": "10.0.0.1:80", "weight": "3"})", "weight"},
                    BadBody{R"({"address": "10.0.0.1:80", "weight": 1e99})", "weight"},
                    BadBody{R"({"address": "10.0.0.1:80", "max_connections": -1})", "max_connections"},
                    BadBody{R"({"address": "10.0.0.1:80", "enabled": "yes"})", "enabled"},
                    BadBody{R"({"address": "10.0.0.1:80", "health_check_path": "up"})", "health_check_path"},
                    BadBody{R"({"address": "10.0.0.1:80", "id": "a b"})", "id"},
                    BadBody{R"({"address": "10.0.0.1:80", "id": "a/b"})", "id"},
                    BadBody{R"({"address": "10.0.0.1:80", "pool": "nowhere"})", "pool"},
                    BadBody{R"({"address": "10.0.0.1:80", "pool": 3})", "pool"},
                    BadBody{R"({"address": "10.0.0.1:80", "wieght": 3})", "wieght"}, BadBody{R"({)", ""},
                    BadBody{R"([])", ""}, BadBody{R"(17)", ""}, BadBody{"{\"address\": \"\xff:80\"}", ""},
                    BadBody{R"({"address": "10.0.0.1:80", "weight": 1, "weight": 2})", "weight"}));

TEST(PostBackends, ReportsEveryFaultAtOnce) {
  ControlPlane plane;
  Json problem =
      json_of(plane.call("POST", "/backends", R"({"host": "a b", "port": 0, "weight": 5000, "colour": "red"})"));
  std::vector<std::string> fields;
  for (const Json& error : problem["errors"]) fields.push_back(error["field"]);
  EXPECT_THAT(fields, testing::IsSupersetOf({"host", "port", "weight", "colour"}));
}

TEST(PostBackends, TellsWhereTheJsonIsBroken) {
  ControlPlane plane;
  Json problem = json_of(plane.call("POST", "/backends", "{\n  \"address\": ,\n}"));
  EXPECT_EQ(problem["errors"][0]["line"], 2) << problem;
  EXPECT_GT(problem["errors"][0]["column"], 0);
}

TEST(PostBackends, ClashesWithTheSameAddressOrIdInThePool) {
  ControlPlane plane(kFile);
  auto status = [&](const char* body) { return plane.call("POST", "/backends", body).status; };
  EXPECT_EQ(status(R"({"address": "10.0.0.1:80", "pool": "site", "id": "other"})"), 409);
  EXPECT_EQ(status(R"({"address": "10.0.0.9:80", "pool": "site", "id": "web-1"})"), 409);
  EXPECT_EQ(status(R"({"address": "10.0.0.1:80", "pool": "api"})"), 201) << "another pool may have it";
  EXPECT_EQ(status(R"({"address": "10.0.0.1:80", "pool": "api"})"), 409);
}

// ---- reading --------------------------------------------------------------------------------------------------------

TEST(GetBackends, ListsEveryBackendAndFilters) {
  ControlPlane plane(kFile);
  EXPECT_EQ(json_of(plane.call("GET", "/backends"))["backends"].size(), 3u);
  EXPECT_EQ(json_of(plane.call("GET", "/backends?pool=site"))["backends"].size(), 2u);
  plane.call("POST", "/backends/web-1/disable");
  EXPECT_EQ(json_of(plane.call("GET", "/backends?status=disabled"))["backends"].size(), 1u);
  EXPECT_EQ(plane.call("GET", "/backends?pool=nowhere").status, 404);
  EXPECT_EQ(plane.call("GET", "/backends?colour=red").status, 400);
}

TEST(GetBackend, ShowsLiveNumbersAndOrigin) {
  ControlPlane plane(kFile);
  auto backend = plane.publisher.find({"site", "web-1"});
  backend->in_flight = 4;
  backend->total_requests = 100;
  backend->failed_requests = 3;
  Json json = json_of(plane.call("GET", "/backends/web-1"));
  EXPECT_EQ(json["active_connections"], 4);
  EXPECT_EQ(json["total_requests"], 100);
  EXPECT_EQ(json["failed_requests"], 3);
  EXPECT_EQ(json["origin"]["file"], "weir.yaml");
  EXPECT_EQ(json["origin"]["line"], 15);
}

TEST(GetBackend, IsNotFoundWhenThereIsNone) {
  ControlPlane plane(kFile);
  for (const char* path : {"/backends/nobody", "/backends/web-1?pool=api", "/backends/api%2Fweb-1"}) {
    EXPECT_EQ(plane.call("GET", path).status, 404) << path;
  }
}

TEST(GetBackend, AsksForThePoolWhenAnIdIsInSeveral) {
  ControlPlane plane(kFile);
  ASSERT_EQ(plane.call("POST", "/backends", R"({"address": "10.7.0.1:80", "pool": "api", "id": "web-1"})").status, 201);
  ApiResponse response = plane.call("GET", "/backends/web-1");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr("site, api"));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1?pool=api"))["host"], "10.7.0.1");
  EXPECT_EQ(json_of(plane.call("GET", "/backends/site%2Fweb-1"))["host"], "10.0.0.1");
  EXPECT_EQ(plane.call("POST", "/backends/web-1/drain").status, 409);
  EXPECT_EQ(plane.call("POST", "/backends/web-1/drain?pool=site").status, 200);
}

// ---- changing -------------------------------------------------------------------------------------------------------

class MadeBackend : public testing::Test {
 protected:
  MadeBackend() {
    EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})").status,
              201);
  }
  Json get() { return json_of(plane.call("GET", "/backends/made")); }
  std::string etag() { return header(plane.call("GET", "/backends/made"), "ETag"); }
  ApiResponse with_if_match(const std::string& method, const std::string& path, const std::string& etag,
                            const std::string& body = "") {
    ApiRequest request = ControlPlane::local(method, path);
    request.if_match = etag;
    request.body = body;
    if (!body.empty()) request.content_type = "application/json";
    return plane.handle(request);
  }
  ControlPlane plane{kFile};
};

TEST_F(MadeBackend, PatchChangesWhatIsGivenAndKeepsTheRest) {
  auto running = plane.publisher.find({"site", "made"});
  ApiResponse response = plane.call("PATCH", "/backends/made", R"({"weight": 7})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(json_of(response)["weight"], 7);
  EXPECT_EQ(get()["weight"], 7);
  EXPECT_EQ(get()["host"], "10.0.0.9");
  EXPECT_EQ(plane.publisher.find({"site", "made"}), running);
  EXPECT_EQ(plane.pool("site")->eligible[2].weight, 7u);
}

TEST_F(MadeBackend, PatchOfTheAddressMakesItAnotherServer) {
  auto running = plane.publisher.find({"site", "made"});
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"port": 81})").status, 200);
  EXPECT_NE(plane.publisher.find({"site", "made"}), running);
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"host": "10.0.0.1", "port": 80})").status, 409) << "is web-1's";
}

TEST_F(MadeBackend, PatchRefusesWhatIsWrong) {
  for (const char* body :
       {R"({"weight": 1001})", R"({"id": "other"})", R"({"pool": "api"})", R"({"colour": 1})", R"({"colour": null})",
        R"({"health_override": "fine"})", R"({"health_override": 1})", R"([1])", R"({"port": 0})", "{"}) {
    EXPECT_EQ(plane.call("PATCH", "/backends/made", body).status, 400) << body;
  }
  EXPECT_EQ(get()["weight"], 1);
  EXPECT_EQ(plane.call("PATCH", "/backends/nobody", "{}").status, 404);
}

TEST_F(MadeBackend, NullGivesTheWeightOfABackendOfTheFileBackToTheFile) {
  auto patch = [&](const char* body) { return json_of(plane.call("PATCH", "/backends/site%2Fweb-2", body)); };
  Json before = json_of(plane.call("GET", "/backends/site%2Fweb-2"));
  ASSERT_NE(before["weight"], 1) << "not the default";
  EXPECT_EQ(before["file_weight"], nullptr);
  Json set = patch(R"({"weight": 9})");
  EXPECT_EQ(set["weight"], 9);
  EXPECT_EQ(set["file_weight"], before["weight"]);
  EXPECT_EQ(patch(R"({"enabled": false})")["weight"], 9);
  Json given_back = patch(R"({"weight": null, "enabled": null})");
  for (const char* key : {"weight", "file_weight", "enabled", "status"}) EXPECT_EQ(given_back[key], before[key]) << key;
  EXPECT_TRUE(plane.catalog.objects().overrides.empty());
  EXPECT_EQ(plane.call("PATCH", "/backends/site%2Fweb-2", R"({"port": null})").status, 400);
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/made", R"({"weight": null})"))["weight"], 1) << "the default";
}

TEST_F(MadeBackend, PatchOfNothingChangesNothing) {
  int commits = plane.store.commits;
  EXPECT_EQ(plane.call("PATCH", "/backends/made", "{}").status, 200);
  EXPECT_EQ(plane.store.commits, commits);
}

TEST_F(MadeBackend, EnabledAsPatchedWinsOverAnEarlierDisable) {
  plane.call("POST", "/backends/made/disable");
  EXPECT_EQ(get()["status"], "disabled");
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"enabled": true})").status, 200);
  EXPECT_EQ(get()["status"], "unknown");
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"enabled": false})").status, 200);
  EXPECT_EQ(get()["status"], "disabled");
  EXPECT_EQ(plane.call("POST", "/backends/made/enable").status, 200);
  EXPECT_EQ(get()["status"], "unknown");
  EXPECT_EQ(get()["enabled"], true);
}

TEST_F(MadeBackend, AnOperatorMayOverruleTheProbes) {
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"health_override": "unhealthy"})").status, 200);
  EXPECT_EQ(get()["status"], "unhealthy");
  EXPECT_EQ(get()["health_override"], "unhealthy");
  plane.publisher.set_health(*plane.publisher.find({"site", "made"}), BackendState::healthy, plane.clock.now());
  EXPECT_EQ(get()["status"], "unhealthy");
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"health_override": null})").status, 200);
  EXPECT_EQ(get()["status"], "healthy");
}

TEST_F(MadeBackend, DeleteAnswersAtOnceWithTheWorkInProgress) {
  auto running = plane.publisher.find({"site", "made"});
  running->in_flight = 3;
  ApiResponse response = plane.call("DELETE", "/backends/made?drain_timeout=30s");
  EXPECT_EQ(response.status, 200);
  Json json = json_of(response);
  EXPECT_EQ(json["id"], "made");
  EXPECT_EQ(json["status"], "deregistered");
  EXPECT_EQ(json["drained_connections"], 3);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  ASSERT_EQ(plane.left.size(), 1u);
  EXPECT_EQ(plane.left[0].timeout, seconds(30));
  EXPECT_TRUE(plane.left[0].removed);
  EXPECT_EQ(plane.call("GET", "/backends/made").status, 404);
  EXPECT_EQ(plane.call("DELETE", "/backends/made").status, 404);
}

TEST_F(MadeBackend, DeleteRefusesABadTimeout) {
  for (const char* query :
       {"drain_timeout=30", "drain_timeout=-1s", "drain_timeout=", "drain_timeout=9999d", "drain_timeout=%zz"}) {
    EXPECT_EQ(plane.call("DELETE", std::string("/backends/made?") + query).status, 400) << query;
  }
  EXPECT_EQ(plane.call("GET", "/backends/made").status, 200);
}

TEST_F(MadeBackend, IfMatchGuardsAgainstLostUpdates) {
  std::string first = etag();
  EXPECT_EQ(with_if_match("PATCH", "/backends/made", first, R"({"weight": 2})").status, 200);
  EXPECT_NE(etag(), first);
  ApiResponse stale = with_if_match("PATCH", "/backends/made", first, R"({"weight": 3})");
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(header(stale, "ETag"), etag());
  EXPECT_EQ(with_if_match("DELETE", "/backends/made", first).status, 412);
  EXPECT_EQ(with_if_match("POST", "/backends/made/drain", first).status, 412);
  EXPECT_EQ(with_if_match("PATCH", "/backends/made", "W/" + etag(), R"({"weight": 3})").status, 412) << "weak";
  EXPECT_EQ(get()["weight"], 2);
  EXPECT_EQ(with_if_match("PATCH", "/backends/made", "\"0\", " + etag(), R"({"weight": 3})").status, 200);
  EXPECT_EQ(with_if_match("DELETE", "/backends/made", "*").status, 200);
}

TEST_F(MadeBackend, LiveNumbersDoNotChangeTheETag) {
  std::string before = etag();
  plane.publisher.find({"site", "made"})->total_requests = 99;
  EXPECT_EQ(etag(), before);
}

TEST_F(MadeBackend, ADryRunAnswersAsItWouldAndChangesNothing) {
  int commits = plane.store.commits;
  std::size_t published = plane.published.size();
  Json made = json_of(plane.call("POST", "/backends?dry_run=true", R"({"address": "10.0.0.10:80", "pool": "site"})"));
  EXPECT_EQ(made["id"], "10.0.0.10:80");
  EXPECT_EQ(plane.call("POST", "/backends?dry_run=true", R"({"address": "10.0.0.9:80", "pool": "site"})").status, 409);
  EXPECT_EQ(plane.call("POST", "/backends?dry_run=true", R"({"address": "10.0.0.10:80", "weight": -1})").status, 400);
  EXPECT_EQ(json_of(plane.call("PATCH", "/backends/made?dry_run=true", R"({"weight": 9})"))["weight"], 9);
  EXPECT_EQ(plane.call("POST", "/backends/made/drain?dry_run=true").status, 200);
  EXPECT_EQ(plane.call("DELETE", "/backends/made?dry_run=true").status, 200);
  EXPECT_EQ(plane.call("DELETE", "/backends/made?dry_run=perhaps").status, 400);
  EXPECT_EQ(plane.store.commits, commits);
  EXPECT_EQ(plane.published.size(), published);
  EXPECT_EQ(get()["weight"], 1);
  EXPECT_EQ(get()["status"], "unknown");
  EXPECT_THAT(plane.left, IsEmpty());
}

TEST_F(MadeBackend, AFailingStoreChangesNothing) {
  std::size_t published = plane.published.size();
  plane.store.fails_with = store::ErrorCode::full;
  EXPECT_EQ(plane.call("PATCH", "/backends/made", R"({"weight": 9})").status, 507);
  plane.store.fails_with = store::ErrorCode::unavailable;
  ApiResponse response = plane.call("DELETE", "/backends/made");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header(response, "Retry-After"), "1");
  EXPECT_EQ(get()["weight"], 1);
  EXPECT_EQ(plane.published.size(), published);
  plane.store.fails_with.reset();
  EXPECT_EQ(plane.call("DELETE", "/backends/made").status, 200);
}

TEST(CreateBackend, WarnsOfAPoolThatNoListenerAndNoRouteUses) {
  ControlPlane plane(kFile);
  ApiResponse response = plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "id": "x"})");
  ASSERT_EQ(response.status, 201);
  EXPECT_EQ(
      json_of(response)["warnings"],
      Json::array({"no listener and no route uses the pool 'default': the backend gets no traffic until one does"}));
  Json previewed = json_of(plane.call("POST", "/backends?dry_run=true", R"({"address": "10.0.0.8:80"})"));
  EXPECT_EQ(previewed["warnings"].size(), 1u);
}

TEST(CreateBackend, DoesNotWarnWhereAListenerARouteOrARuleLeadsToTheBackend) {
  ControlPlane plane(kFile);
  for (const char* pool : {"site", "api"}) {
    std::string body = fmt::format(R"({{"address": "10.0.0.9:80", "pool": "{}"}})", pool);
    EXPECT_FALSE(json_of(plane.call("POST", "/backends", body)).contains("warnings")) << pool;
  }
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "id": "x"})");
  ASSERT_EQ(plane.call("POST", "/routing-rules", R"({"path_prefix": "/x", "backends": ["x"]})").status, 201);
  plane.call("DELETE", "/backends/x");
  EXPECT_FALSE(
      json_of(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "id": "x"})")).contains("warnings"));
}

}  // namespace
}  // namespace weir::api
