// /pools, /config/algorithm, /listeners and /routing-rules.
#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ApiResponse with_if_match(ControlPlane& plane, const std::string& method, const std::string& path,
                          const std::string& etag, const std::string& body = "") {
  ApiRequest request = ControlPlane::local(method, path);
  request.if_match = etag;
  request.body = body;
  if (!body.empty()) request.content_type = "application/json";
  return plane.handle(request);
}

// ---- pools ----------------------------------------------------------------------------------------------------------

TEST(Pools, AreMadeReadReplacedAndRemoved) {
  ControlPlane plane(kFile);
  ApiResponse made = plane.call("POST", "/pools", R"({"name": "new", "algorithm": "least_connections",
                                                      "backends": ["10.3.0.1:80", {"id": "b", "host": "10.3.0.2", "port": 80}]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(header(made, "Location"), "/pools/new");
  EXPECT_THAT(plane.eligible("new"), ElementsAre("10.3.0.1:80", "b"));
  Json json = json_of(plane.call("GET", "/pools/new"));
  EXPECT_EQ(json["algorithm"]["type"], "least_connections");
  EXPECT_EQ(json["backends"].size(), 2u);
  EXPECT_EQ(json["origin"]["file"], "api");
  EXPECT_EQ(json_of(plane.call("GET", "/pools"))["pools"].size(), 3u);

  EXPECT_EQ(plane.call("PUT", "/pools/new", R"({"algorithm": "random"})").status, 200);
  EXPECT_THAT(plane.eligible("new"), ElementsAre("10.3.0.1:80", "b")) << "without backends it keeps them";
  EXPECT_EQ(plane.call("PUT", "/pools/new", R"({"name": "new", "backends": ["10.3.0.3:80"]})").status, 200);
  EXPECT_THAT(plane.eligible("new"), ElementsAre("10.3.0.3:80"));
  EXPECT_EQ(json_of(plane.call("GET", "/pools/new"))["algorithm"]["type"], "weighted_round_robin")
      << "the rest is the default";

  Json removed = json_of(plane.call("DELETE", "/pools/new?drain_timeout=1s"));
  EXPECT_EQ(removed["status"], "deleted");
  EXPECT_EQ(removed["backends"], 1);
  EXPECT_EQ(plane.call("GET", "/pools/new").status, 404);
  EXPECT_EQ(plane.call("DELETE", "/pools/new").status, 404);
  EXPECT_EQ(plane.call("GET", "/backends?pool=new").status, 404);
}

TEST(Pools, WhatWasReadCanBeWrittenBack) {
  ControlPlane plane;
  plane.call("POST", "/backends", R"({"address": "10.0.0.1:80", "weight": 3})");
  ApiResponse read = plane.call("GET", "/pools/default");
  auto running = plane.publisher.find({"default", "10.0.0.1:80"});
  EXPECT_EQ(with_if_match(plane, "PUT", "/pools/default", header(read, "ETag"), read.body).status, 200);
  EXPECT_EQ(plane.call("GET", "/pools/default").body, read.body);
  EXPECT_EQ(plane.publisher.find({"default", "10.0.0.1:80"}), running);
}

TEST(Pools, PutMakesWhatIsNotThere) {
  ControlPlane plane(kFile);
  EXPECT_EQ(plane.call("PUT", "/pools/a%2Fb", R"({})").status, 201);
  EXPECT_EQ(json_of(plane.call("GET", "/pools/a%2Fb"))["name"], "a/b");
  EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.1:80", "pool": "a/b"})").status, 201);
  EXPECT_EQ(plane.call("GET", "/backends/a%2Fb%2F10.0.0.1:80").status, 200);
  EXPECT_EQ(with_if_match(plane, "PUT", "/pools/other", "*", R"({})").status, 412) << "* holds for what exists";
}

TEST(Pools, RefuseBadBodiesNamingTheField) {
  ControlPlane plane(kFile);
  auto field = [&](const char* body) {
    ApiResponse response = plane.call("POST", "/pools", body);
    EXPECT_EQ(response.status, 400) << body;
    return json_of(response).value("field", "");
  };
  EXPECT_EQ(field(R"({"name": ""})"), "name");
  EXPECT_EQ(field(R"({"name": "a b"})"), "name");
  EXPECT_EQ(field(R"({"name": "x", "algorithm": "fastest"})"), "algorithm");
  EXPECT_EQ(field(R"({"name": "x", "min_healthy": -1})"), "min_healthy");
  EXPECT_EQ(field(R"({"name": "x", "slow_start": "soon"})"), "slow_start");
  EXPECT_EQ(field(R"({"name": "x", "health_check": {"interval": "0s"}})"), "health_check.interval");
  EXPECT_EQ(field(R"({"name": "x", "backends": [{"host": "a", "port": 0}]})"), "backends[0].port");
  EXPECT_EQ(field(R"({"name": "x", "algorithm": {"type": "fastest"}})"), "algorithm.type");
  EXPECT_EQ(field(R"({"name": "x", "backends": ["10.0.0.300:80"]})"), "backends[0]");
  EXPECT_EQ(field(R"({"name": "x", "backends": [{"address": "10.0.0.300:80"}]})"), "backends[0].address");
  EXPECT_EQ(field(R"({"name": "x", "colour": "red"})"), "colour");
  EXPECT_EQ(plane.call("PUT", "/pools/y", R"({"name": "x"})").status, 400);
  EXPECT_EQ(plane.store.commits, 0);
}

TEST(Pools, ClashWithWhatIsThere) {
  ControlPlane plane(kFile);
  ApiResponse of_file = plane.call("POST", "/pools", R"({"name": "site"})");
  EXPECT_EQ(of_file.status, 409);
  EXPECT_THAT(of_file.body, HasSubstr("weir.yaml:13"));
  EXPECT_EQ(plane.call("PUT", "/pools/site", R"({})").status, 409);
  EXPECT_EQ(plane.call("DELETE", "/pools/site").status, 409);
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "x"})").status, 201);
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "x"})").status, 409);
}

TEST(Pools, CannotBeRemovedWhileARouteNamesThem) {
  ControlPlane plane(kFile);
  plane.call("POST", "/pools", R"({"name": "x"})");
  ASSERT_EQ(plane.call("POST", "/listeners", R"({"name": "l", "address": "127.0.0.1:8090", "pool": "x"})").status, 201);
  ApiResponse response = plane.call("DELETE", "/pools/x");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr("the pool 'x' is in use by listener 'l'"));
  EXPECT_EQ(plane.call("GET", "/pools/x").status, 200);
  EXPECT_EQ(plane.call("DELETE", "/listeners/l").status, 200);
  EXPECT_EQ(plane.call("DELETE", "/pools/x").status, 200);
}

TEST(Pools, TheBuiltInOneCanBeChangedButNotRemoved) {
  ControlPlane plane;
  EXPECT_EQ(plane.call("PUT", "/pools/default", R"({"min_healthy": 1})").status, 200);
  EXPECT_EQ(plane.call("DELETE", "/pools/default").status, 409);
  EXPECT_EQ(json_of(plane.call("GET", "/pools/default"))["min_healthy"], 1);
}

// ---- algorithm ------------------------------------------------------------------------------------------------------

TEST(PutAlgorithm, ChangesThePoolAtOnceAndKeepsWorkInProgress) {
  ControlPlane plane;
  plane.call("POST", "/backends", R"({"address": "10.0.0.1:80"})");
  auto backend = plane.publisher.find({"default", "10.0.0.1:80"});
  backend->in_flight = 5;
  ApiResponse response = plane.call("PUT", "/config/algorithm", R"({"algorithm": "least_connections"})");
  EXPECT_EQ(response.status, 200) << response.body;
  Json json = json_of(response);
  EXPECT_EQ(json["algorithm"], "least_connections");
  EXPECT_EQ(json["previous_algorithm"], "weighted_round_robin");
  EXPECT_EQ(json["pool"], "default");
  EXPECT_EQ(json["sticky_sessions"], false);
  EXPECT_EQ(json["sticky_ttl_seconds"], 3600);
  EXPECT_EQ(plane.pool("default")->config->algorithm.name, "least_connections");
  EXPECT_EQ(plane.pool("default")->eligible[0].backend, backend);
  EXPECT_EQ(backend->in_flight, 5u);
}

TEST(PutAlgorithm, SetsStickiness) {
  ControlPlane plane;
  EXPECT_EQ(plane
                .call("PUT", "/config/algorithm",
                      R"({"algorithm": "random", "sticky_sessions": true, "sticky_ttl_seconds": 60})")
                .status,
            200);
  const config::Choice& method = plane.pool("default")->config->sticky.method;
  EXPECT_EQ(method.name, "cookie");
  EXPECT_EQ(config::option<config::Duration>(method, "ttl"), std::chrono::seconds(60));
}

TEST(PutAlgorithm, ListsTheKnownOnesWhenItIsUnknown) {
  ControlPlane plane;
  ApiResponse response = plane.call("PUT", "/config/algorithm", R"({"algorithm": "fastest"})");
  EXPECT_EQ(response.status, 400);
  Json problem = json_of(response);
  EXPECT_EQ(problem["field"], "algorithm");
  for (const config::KindEntry& entry : balance::strategies()) {
    EXPECT_THAT(problem["detail"].get<std::string>(), HasSubstr(std::string(entry.name)));
  }
}

TEST(PutAlgorithm, RefusesBadBodiesNamingTheField) {
  ControlPlane plane;
  auto field = [&](const char* body) {
    ApiResponse response = plane.call("PUT", "/config/algorithm", body);
    EXPECT_EQ(response.status, 400) << body;
    return json_of(response).value("field", "");
  };
  EXPECT_THAT(field(R"({})"), HasSubstr(""));
  EXPECT_EQ(field(R"({"algorithm": "random", "sticky_ttl_seconds": 0})"), "sticky_ttl_seconds");
  EXPECT_EQ(field(R"({"algorithm": "random", "sticky_ttl_seconds": -5})"), "sticky_ttl_seconds");
  EXPECT_EQ(field(R"({"algorithm": "random", "sticky_ttl_seconds": 1e12})"), "sticky_ttl_seconds");
  EXPECT_EQ(field(R"({"algorithm": "random", "sticky_ttl_seconds": "60"})"), "sticky_ttl_seconds");
  EXPECT_EQ(field(R"({"algorithm": "random", "sticky_sessions": 1})"), "sticky_sessions");
  EXPECT_EQ(field(R"({"algorithm": "random", "pool": "nowhere"})"), "pool");
  EXPECT_EQ(field(R"({"algorithm": "random", "sticky": true})"), "sticky");
  EXPECT_EQ(plane.published.size(), 1u);
}

TEST(PutAlgorithm, OfAPoolOfTheFileIsAConflict) {
  ControlPlane plane(kFile);
  ApiResponse response = plane.call("PUT", "/config/algorithm", R"({"algorithm": "random", "pool": "site"})");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(json_of(response)["origin"]["file"], "weir.yaml");
}

// ---- listeners ------------------------------------------------------------------------------------------------------

TEST(Listeners, AreMadeReadReplacedAndRemoved) {
  ControlPlane plane(kFile);
  std::string body = R"({"name": "new", "address": "127.0.0.1:8090", "pool": "site",
                         "routes": [{"match": {"path_prefix": "/x"}, "pool": "api"}]})";
  ApiResponse made = plane.call("POST", "/listeners", body);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(plane.snapshot()->listeners.size(), 3u);
  EXPECT_EQ(plane.call("POST", "/listeners", body).status, 409);
  ApiResponse read = plane.call("GET", "/listeners/new");
  EXPECT_EQ(json_of(read)["routes"].size(), 1u);
  EXPECT_EQ(with_if_match(plane, "PUT", "/listeners/new", header(read, "ETag"), read.body).status, 200);
  EXPECT_EQ(plane.call("PUT", "/listeners/new", R"({"address": "127.0.0.1:8091", "pool": "api"})").status, 200);
  EXPECT_EQ(json_of(plane.call("GET", "/listeners/new"))["address"], "127.0.0.1:8091");
  EXPECT_EQ(with_if_match(plane, "DELETE", "/listeners/new", header(read, "ETag")).status, 412);
  EXPECT_EQ(json_of(plane.call("GET", "/listeners"))["listeners"].size(), 3u);
  EXPECT_EQ(plane.call("DELETE", "/listeners/new").status, 200);
  EXPECT_EQ(plane.call("GET", "/listeners/new").status, 404);
  EXPECT_EQ(plane.call("DELETE", "/listeners/new").status, 404);
}

TEST(Listeners, RefuseWhatIsWrongNamingTheField) {
  ControlPlane plane(kFile);
  auto field = [&](const char* body) {
    ApiResponse response = plane.call("POST", "/listeners", body);
    EXPECT_EQ(response.status, 400) << response.body;
    return json_of(response).value("field", "");
  };
  EXPECT_EQ(field(R"({"name": "l", "address": "nowhere", "pool": "site"})"), "address");
  EXPECT_EQ(field(R"({"name": "l", "address": "127.0.0.1:1", "pool": "nowhere"})"), "pool");
  EXPECT_EQ(
      field(R"({"name": "l", "address": "127.0.0.1:1", "routes": [{"match": {"path_prefix": "/x"}, "pool": "no"}]})"),
      "routes[0].pool");
  EXPECT_EQ(
      field(R"({"name": "l", "address": "127.0.0.1:1", "routes": [{"match": {"path_regex": "("}, "pool": "site"}]})"),
      "routes[0].match.path_regex");
}

TEST(Listeners, AnAddressThatIsTakenIsAConflict) {
  ControlPlane plane(kFile);
  ApiResponse response =
      plane.call("POST", "/listeners", R"({"name": "l", "address": "127.0.0.1:8081", "pool": "site"})");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr("is taken by web"));
}

TEST(Listeners, OfTheFileAreReadOnly) {
  ControlPlane plane(kFile);
  EXPECT_EQ(plane.call("PUT", "/listeners/web", R"({"address": "127.0.0.1:1", "pool": "site"})").status, 409);
  EXPECT_EQ(plane.call("DELETE", "/listeners/web").status, 409);
  EXPECT_EQ(plane.call("POST", "/listeners", R"({"name": "web", "address": "127.0.0.1:1"})").status, 409);
}

TEST(Listeners, TheBuiltInOneCanBeChanged) {
  ControlPlane plane;
  EXPECT_EQ(plane.call("PUT", "/listeners/web", R"({"address": "127.0.0.1:8123", "pool": "default"})").status, 200);
  EXPECT_EQ(plane.snapshot()->listeners[0]->config->address, "127.0.0.1:8123");
  EXPECT_EQ(plane.call("DELETE", "/listeners/web").status, 409);
}

// ---- routing rules --------------------------------------------------------------------------------------------------

class RoutingRules : public testing::Test {
 protected:
  std::string make(const std::string& body) {
    ApiResponse response = plane.call("POST", "/routing-rules", body);
    EXPECT_EQ(response.status, 201) << response.body;
    return json_of(response)["rule_id"];
  }
  ControlPlane plane{kFile};
};

TEST_F(RoutingRules, RouteAPathOnEveryHttpListenerToTheirBackends) {
  std::string id =
      make(R"({"path_prefix": "/v2", "host": "a.example", "algorithm": "random", "backends": ["web-2", "api-1"],
                            "session_sticky": true})");
  const worker::PoolSnapshot* pool = plane.pool(id);
  ASSERT_NE(pool, nullptr);
  EXPECT_EQ(pool->config->algorithm.name, "random");
  EXPECT_EQ(pool->config->sticky.method.name, "cookie");
  EXPECT_THAT(plane.eligible(id), ElementsAre("web-2", "api-1"));
  const worker::Snapshot& snapshot = *plane.snapshot();
  ASSERT_EQ(snapshot.listeners[0]->config->routes.size(), 2u);
  EXPECT_EQ(snapshot.listeners[0]->config->routes[1].match.path_prefix, "/v2");
  EXPECT_THAT(snapshot.listeners[0]->config->routes[1].match.host, ElementsAre("a.example"));
  EXPECT_EQ(snapshot.pools[snapshot.pool_of_route[0][1]].get(), pool);
  ASSERT_EQ(snapshot.listeners[1]->config->routes.size(), 1u);
  EXPECT_NE(snapshot.listeners[1]->config->routes[0].name, snapshot.listeners[0]->config->routes[1].name);
}

TEST_F(RoutingRules, BorrowTheBackendsThemselves) {
  std::string id = make(R"({"path_prefix": "/v2", "backends": ["web-1"]})");
  EXPECT_EQ(plane.pool(id)->eligible[0].backend, plane.publisher.find({"site", "web-1"}));
  EXPECT_EQ(plane.publisher.watched().size(), 3u) << "nobody is probed twice";
  EXPECT_EQ(json_of(plane.call("GET", "/backends"))["backends"].size(), 3u);
  EXPECT_EQ(plane.call("POST", "/backends/web-1/drain").status, 200) << "the id is not ambiguous for it";
  EXPECT_THAT(plane.eligible(id), IsEmpty());
  plane.call("POST", "/backends/web-1/enable");
  plane.publisher.set_health(*plane.publisher.find({"site", "web-1"}), pool::BackendState::unhealthy,
                             plane.clock.now());
  plane.publish_after(std::chrono::seconds(1));
  EXPECT_THAT(plane.eligible(id), IsEmpty());
}

TEST_F(RoutingRules, AreReadReplacedAndRemoved) {
  std::string id = make(R"({"path_prefix": "/v2", "backends": ["web-1"]})");
  ApiResponse read = plane.call("GET", "/routing-rules/" + id);
  Json json = json_of(read);
  EXPECT_EQ(json["path_prefix"], "/v2");
  EXPECT_EQ(json["host"], nullptr);
  EXPECT_EQ(json["algorithm"], "weighted_round_robin");
  EXPECT_EQ(json["backends"], Json::array({"web-1"}));
  EXPECT_EQ(json["session_sticky"], false);
  EXPECT_EQ(json_of(plane.call("GET", "/routing-rules"))["routing_rules"].size(), 1u);
  std::string path = "/routing-rules/" + id;
  EXPECT_EQ(with_if_match(plane, "PUT", path, header(read, "ETag"), R"({"path_prefix": "/v3", "backends": ["web-2"]})")
                .status,
            200);
  EXPECT_THAT(plane.eligible(id), ElementsAre("web-2"));
  EXPECT_EQ(with_if_match(plane, "DELETE", path, header(read, "ETag")).status, 412);
  EXPECT_EQ(plane.call("DELETE", path).status, 200);
  EXPECT_EQ(plane.pool(id), nullptr);
  EXPECT_EQ(plane.snapshot()->listeners[0]->config->routes.size(), 1u);
  EXPECT_EQ(plane.call("DELETE", path).status, 404);
  EXPECT_EQ(plane.call("PUT", "/routing-rules/mine", R"({"path_prefix": "/v3", "backends": ["web-2"]})").status, 201);
  EXPECT_EQ(plane.call("PUT", "/routing-rules/site", R"({"path_prefix": "/v3", "backends": ["web-2"]})").status, 409);
}

TEST_F(RoutingRules, RefuseWhatIsWrongNamingTheField) {
  auto field = [&](const char* body) {
    ApiResponse response = plane.call("POST", "/routing-rules", body);
    EXPECT_EQ(response.status, 400) << response.body;
    return json_of(response).value("field", "");
  };
  EXPECT_EQ(field(R"({"path_prefix": "v2", "backends": ["web-1"]})"), "path_prefix");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "host": "a b", "backends": ["web-1"]})").substr(0, 4), "host");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "backends": ["nobody"]})"), "backends[0]");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "backends": ["web-1", "site/web-1"]})"), "backends[1]");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "backends": []})"), "backends");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "backends": ["web-1"], "algorithm": "x"})"), "algorithm");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "backends": ["web-1"], "session_sticky": "yes"})"), "session_sticky");
  EXPECT_EQ(field(R"({"path_prefix": "/v2", "backends": ["web-1"], "colour": 1})"), "colour");
  EXPECT_EQ(plane.call("POST", "/routing-rules", R"({"backends": ["web-1"]})").status, 400);
  EXPECT_EQ(plane.call("POST", "/routing-rules", R"({"path_prefix": "/v2"})").status, 400);
}

TEST_F(RoutingRules, PassOverBackendsThatAreGoneUntilTheyAreBack) {
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "id": "made", "pool": "site"})");
  std::string id = make(R"({"path_prefix": "/v2", "backends": ["web-1", "made"]})");
  EXPECT_EQ(plane.call("DELETE", "/backends/made").status, 200);
  EXPECT_THAT(plane.eligible(id), ElementsAre("web-1"));
  EXPECT_EQ(json_of(plane.call("GET", "/routing-rules/" + id))["backends"], Json::array({"web-1", "site/made"}));
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "id": "made", "pool": "site"})");
  EXPECT_THAT(plane.eligible(id), ElementsAre("web-1", "made"));
}

TEST_F(RoutingRules, NameBackendsOfSeveralPoolsByPool) {
  plane.call("POST", "/backends", R"({"address": "10.7.0.1:80", "pool": "api", "id": "web-1"})");
  EXPECT_EQ(plane.call("POST", "/routing-rules", R"({"path_prefix": "/v2", "backends": ["web-1"]})").status, 400);
  std::string id = make(R"({"path_prefix": "/v2", "backends": ["site/web-1", "api/web-1"]})");
  EXPECT_EQ(plane.pool(id)->eligible.size(), 2u);
  EXPECT_EQ(json_of(plane.call("GET", "/routing-rules/" + id))["backends"], Json::array({"site/web-1", "api/web-1"}));
}

TEST_F(RoutingRules, TheirPoolAndRoutesAreNotChangedElsewhere) {
  std::string id = make(R"({"path_prefix": "/v2", "backends": ["web-1"]})");
  EXPECT_EQ(plane.call("DELETE", "/pools/" + id).status, 409);
  EXPECT_EQ(plane.call("PUT", "/pools/" + id, "{}").status, 409);
  EXPECT_EQ(plane.call("PUT", "/config/algorithm", R"({"algorithm": "random", "pool": ")" + id + "\"}").status, 409);
  EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": ")" + id + "\"}").status, 409);
  EXPECT_EQ(json_of(plane.call("GET", "/listeners/web"))["routes"].size(), 1u) << "only its own";
}

TEST_F(RoutingRules, SurviveARestart) {
  FragileStore store;
  std::string id;
  {
    ControlPlane first(kFile, &store);
    id = json_of(first.call("POST", "/routing-rules", R"({"path_prefix": "/v2", "backends": ["web-1"]})"))["rule_id"];
  }
  ControlPlane second(kFile, &store);
  ASSERT_NE(second.pool(id), nullptr);
  EXPECT_THAT(second.eligible(id), ElementsAre("web-1"));
}

}  // namespace
}  // namespace weir::api
