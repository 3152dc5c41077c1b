#include "config/json.h"

#include <fmt/format.h>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;
using testing::Not;

// A configuration that gives every key a value other than its default.
constexpr std::string_view kEverything = R"yaml(
workers: 3
admin: {listen: 0.0.0.0:9091, tokens: [{name: ops, role: operator, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}]}
store: {type: sqlite, path: /x.db}
access_log: {enabled: false, path: /log, format: "%{client} %{status}"}
timeouts: {header: 1s, body: 2s, idle: 3s, connect: 4s, response: 5s, queue: 6s, tunnel: 7s, websocket: 8s}
drain_timeout: 1500ms
log_level: debug
listeners:
- name: web
  address: "[::1]:80"
  protocol: http
  pool: site
  timeouts: {header: 11s, tunnel: 2h, websocket: 3h}
  limits: {request_line_bytes: 4KB, header_bytes: 8KB, header_count: 50, body_bytes: 1GB, connections: 7}
  trusted_proxies: [10.0.0.0/8, 2001:db8::/32]
  via: weir
  http_1_0_keep_alive: false
  routes:
  - name: first
    match:
      host: [a.example, "*.b.example"]
      path_prefix: /v1
      method: [GET, POST]
      header: {x-a: acme, x-b: {prefix: a}, x-c: {regex: a+}, x-d: {present: true}, x-e: {absent: true}}
      query: {q: "1", r: {absent: true}}
      client: [192.0.2.0/24]
    pool: site
    rewrite: {path_prefix: /, host: inner.example}
    request_headers: {set: {X-A: a}, add: {X-B: [b, c], X-C: d}, remove: [X-D]}
    response_headers: {remove: [Server]}
    timeouts: {response: 90s}
  - match: {path_regex: "/a/(.*)"
}
    pool: site
    rewrite: {path_regex: "^/a", substitution: /b}
  - match: {path: /old}
    redirect: {to: /new, status: 308}
  - respond: {status: 418, body: "tea\n", content_type: text/html}
pools:
- name: site
  algorithm: {type: consistent_hash, hash_key: "header:x", replicas: 10, load_factor: 1.5, bounded: false}
  health_check: {type: http, path: /h, method: HEAD, expected_status: [200, 300-399], headers: {a: b}, settle: 5ms, interval: 9s, timeout: 1500ms, fast_interval: 100ms, jitter: 0.25, healthy_threshold: 4, unhealthy_threshold: 5, port: 99}
  min_healthy: 2
  slow_start: 31s
  drain_timeout: 10m
  retries: {attempts: 1, budget: 15%, budget_floor: 3}
  connections: {max_idle: 5, idle_timeout: 7s, max_requests: 1000, max_queue: 9}
  timeouts: {connect: 100ms}
  sticky: {type: cookie, name: KEEP, ttl: 1d}
  backends:
  - {id: one, host: 10.0.0.1, port: 80, weight: 0, max_connections: 5, enabled: false, health_check_path: /z}
  - "[::1]:81"
)yaml";

void forget_origins(Config& config) {
  for (Listener& listener : config.listeners) {
    listener.origin = {};
    for (Route& route : listener.routes) route.origin = {};
  }
  for (Pool& pool : config.pools) {
    pool.origin = {};
    for (Backend& backend : pool.backends) backend.origin = {};
  }
}

TEST(Json, ReadsBackToTheSameConfiguration) {
  for (std::string_view text : {kEverything, std::string_view("pools: [{name: p}]"), std::string_view("")}) {
    for (JsonOptions options : {JsonOptions{}, JsonOptions{.pretty = true}}) {
      Config config = must_read(text);
      Config again = must_read(to_json(config, options));  // JSON is YAML
      forget_origins(config);
      forget_origins(again);
      EXPECT_EQ(to_json(config), to_json(again));
      EXPECT_TRUE(config == again);
    }
  }
}

TEST(Json, ReadsSingleObjectsBack) {
  Config config = must_read(kEverything);
  forget_origins(config);
  for (JsonOptions options : {JsonOptions{}, JsonOptions{.origin = true}}) {
    auto pool = read_pool(to_json(config.pools[0], options), test_kinds());
    ASSERT_TRUE(pool.has_value()) << faults_text(pool.error());
    EXPECT_EQ(to_json(*pool), to_json(config.pools[0]));
    auto listener = read_listener(to_json(config.listeners[0], options), test_kinds());
    ASSERT_TRUE(listener.has_value()) << faults_text(listener.error());
    EXPECT_EQ(to_json(*listener), to_json(config.listeners[0]));
    for (const Route& route : config.listeners[0].routes) {
      auto again = read_route(to_json(route, options), test_kinds());
      ASSERT_TRUE(again.has_value()) << faults_text(again.error());
      again->origin = {};
      EXPECT_TRUE(*again == route) << to_json(route);
    }
    auto backend = read_backend(to_json(config.pools[0].backends[1], options), test_kinds());
    ASSERT_TRUE(backend.has_value()) << faults_text(backend.error());
    EXPECT_EQ(backend->backend.id, "[::1]:81");
    EXPECT_EQ(backend->pool, "default");
  }
}

TEST(Json, WritesDurationsAsTextAndSizesAsNumbers) {
  Config config = must_read(kEverything);
  EXPECT_THAT(to_json(config), HasSubstr(R"("slow_start":"31s","drain_timeout":"10m")"));
  EXPECT_THAT(to_json(config), HasSubstr(R"("header_bytes":8192)"));
  EXPECT_THAT(to_json(config), HasSubstr(R"("workers":3)"));
  EXPECT_THAT(to_json(Config{}), HasSubstr(R"("workers":"auto")"));
}

TEST(Json, WritesABackendOnOneLine) {
  Backend backend;
  backend.id = "a\"b";
  backend.host = "10.0.0.1";
  backend.port = 80;
  backend.origin = {"f.yaml", 3, 5};
  EXPECT_EQ(to_json(backend),
            R"({"id":"a\"b","host":"10.0.0.1","port":80,"weight":1,"max_connections":0,"enabled":true})");
  EXPECT_THAT(to_json(backend, {.origin = true}), HasSubstr(R"("origin":{"file":"f.yaml","line":3,"column":5})"));
}

TEST(Json, PrintsDurationsInTheLargestWholeUnit) {
  EXPECT_EQ(duration_text(Duration(0)), "0s");
  EXPECT_EQ(duration_text(Duration(1)), "1ms");
  EXPECT_EQ(duration_text(Duration(1500)), "1500ms");
  EXPECT_EQ(duration_text(Duration(90'000)), "90s");
  EXPECT_EQ(duration_text(Duration(60'000)), "1m");
  EXPECT_EQ(duration_text(Duration(86'400'000)), "1d");
}

TEST(Json, NamesValues) {
  EXPECT_EQ(name(ListenerProtocol::udp), "udp");
  EXPECT_EQ(name(TokenRole::operator_), "operator");
}

TEST(ReadBackend, TakesTheBodyOfTheApi) {
  auto read = read_backend(R"({"address": "10.0.0.1", "port": 8080, "pool": "site", "weight": 5})", test_kinds());
  ASSERT_TRUE(read.has_value()) << faults_text(read.error());
  EXPECT_EQ(read->pool, "site");
  EXPECT_EQ(read->backend.id, "10.0.0.1:8080");
  EXPECT_EQ(read->backend.weight, 5u);
  EXPECT_EQ(read->backend.origin, (Origin{"api", 0, 0}));
}

TEST(ReadBackend, NamesTheFieldOfEveryFault) {
  auto faults = [](std::string_view json) {
    auto read = read_backend(json, test_kinds());
    return read ? std::string() : faults_text(read.error());
  };
  EXPECT_EQ(faults(R"({"host": "a", "port": "80", "weight": -1, "pool": 3, "bad": 1})"),
            "api: pool: must be a string, not the number or boolean '3'\n"
            "api: bad: unknown key 'bad'; known are id, host, port, address, weight, max_connections, enabled, "
            "health_check_path, agent_port\n"
            "api: port: must be a whole number from 1 to 65535, not '80' in quotes\n"
            "api: weight: must be a whole number from 0 to 1000, not '-1'\n");
  EXPECT_THAT(faults(R"({"host": 10, "port": 80})"), HasSubstr("host: must be a string"));
  EXPECT_THAT(faults(R"({"host": "a", "port": 80.5})"), HasSubstr("port: must be a whole number"));
  EXPECT_THAT(faults(R"({"host": "a", "port": 70000})"), HasSubstr("not '70000'"));
  EXPECT_THAT(faults(R"({"host": "not a host", "port": 80})"), HasSubstr("host: 'not a host' is neither"));
  EXPECT_THAT(faults("[]"), HasSubstr("must be a map"));
  EXPECT_THAT(faults("{"), HasSubstr("not JSON"));
  EXPECT_THAT(faults(R"({"host": "a", "host": "b", "port": 1})"), HasSubstr("host: the key appears twice"));
}

TEST(Patch, ChangesOnlyWhatIsGiven) {
  Config config = must_read(kEverything);
  const Pool& pool = config.pools[0];
  auto changed = patch_pool(pool, R"({"min_healthy": 7, "retries": {"attempts": 4}})", test_kinds());
  ASSERT_TRUE(changed.has_value()) << faults_text(changed.error());
  Pool expected = pool;
  expected.min_healthy = 7;
  expected.retries.attempts = 4;
  EXPECT_EQ(to_json(*changed), to_json(expected));
  EXPECT_EQ(changed->origin, pool.origin);
}

TEST(Patch, ReturnsToTheDefaultForNull) {
  Config config = must_read(kEverything);
  auto changed = patch_pool(config.pools[0], R"({"slow_start": null, "algorithm": null, "retries": {"budget": null}})",
                            test_kinds());
  ASSERT_TRUE(changed.has_value()) << faults_text(changed.error());
  EXPECT_EQ(changed->slow_start, Duration(0));
  EXPECT_EQ(changed->algorithm.name, "weighted_round_robin");
  EXPECT_DOUBLE_EQ(changed->retries.budget, 0.2);
  EXPECT_EQ(changed->retries.attempts, 1u);
}

TEST(Patch, StartsFromTheDefaultsOfAnotherType) {
  Config config = must_read(kEverything);
  for (std::string_view json : {R"({"algorithm": "maglev"})", R"({"algorithm": {"type": "maglev"}})"}) {
    auto changed = patch_pool(config.pools[0], json, test_kinds());
    ASSERT_TRUE(changed.has_value()) << faults_text(changed.error());
    EXPECT_EQ(changed->algorithm, (Choice{.name = "maglev", .options = {}}));
  }
  auto checker = patch_pool(config.pools[0], R"({"health_check": {"type": "tcp"}})", test_kinds());
  ASSERT_TRUE(checker.has_value()) << faults_text(checker.error());
  EXPECT_TRUE(checker->health_check.checker.options.empty());
  EXPECT_EQ(checker->health_check.interval, std::chrono::seconds(9));
}

TEST(Patch, KeepsOtherOptionsOfTheSameType) {
  Config config = must_read(kEverything);
  auto changed =
      patch_pool(config.pools[0], R"({"algorithm": {"replicas": 20}, "health_check": {"path": "/new"}})", test_kinds());
  ASSERT_TRUE(changed.has_value()) << faults_text(changed.error());
  EXPECT_EQ(option<std::int64_t>(changed->algorithm, "replicas"), 20);
  EXPECT_EQ(option<std::string>(changed->algorithm, "hash_key"), "header:x");
  EXPECT_EQ(option<std::string>(changed->health_check.checker, "path"), "/new");
  EXPECT_EQ(option<std::string>(changed->health_check.checker, "method"), "HEAD");
}

TEST(Patch, TurnsHealthChecksOffAndOnAgain) {
  Config config = must_read(kEverything);
  auto off = patch_pool(config.pools[0], R"({"health_check": false})", test_kinds());
  ASSERT_TRUE(off.has_value()) << faults_text(off.error());
  EXPECT_FALSE(off->health_check.enabled);
  auto on = patch_pool(*off, R"({"health_check": true})", test_kinds());
  ASSERT_TRUE(on.has_value()) << faults_text(on.error());
  EXPECT_EQ(on->health_check, config.pools[0].health_check);
}

TEST(Patch, ChangesBackendsListenersAndRoutes) {
  Config config = must_read(kEverything);
  auto backend = patch_backend(config.pools[0].backends[0], R"({"weight": 9, "enabled": true})", test_kinds());
  ASSERT_TRUE(backend.has_value()) << faults_text(backend.error());
  EXPECT_EQ(std::pair(backend->weight, backend->enabled), std::pair(9u, true));
  EXPECT_EQ(backend->id, "one");
  auto moved = patch_backend(config.pools[0].backends[0], R"({"address": "10.0.0.9:90"})", test_kinds());
  ASSERT_TRUE(moved.has_value()) << faults_text(moved.error());
  EXPECT_EQ(moved->host, "10.0.0.9");
  auto listener = patch_listener(config.listeners[0], R"({"pool": "other", "routes": []})", test_kinds());
  ASSERT_TRUE(listener.has_value()) << faults_text(listener.error());
  EXPECT_TRUE(listener->routes.empty());
  auto route =
      patch_route(config.listeners[0].routes[0], R"({"match": {"header": {"x-a": null, "x-z": "1"}}})", test_kinds());
  ASSERT_TRUE(route.has_value()) << faults_text(route.error());
  EXPECT_THAT(to_json(*route), HasSubstr(R"("x-z":"1")"));
  EXPECT_THAT(to_json(*route), Not(HasSubstr("x-a")));
}

TEST(Patch, ReportsFaultsByField) {
  Config config = must_read(kEverything);
  auto faults = [&](std::string_view json) {
    auto changed = patch_pool(config.pools[0], json, test_kinds());
    return changed ? std::string() : faults_text(changed.error());
  };
  EXPECT_EQ(faults(R"({"min_healthy": -1, "slow_start": 5})"),
            "api: min_healthy: must be a whole number from 0 to 4294967295, not '-1'\n"
            "api: slow_start: '5' has no unit; write 5s or 5ms\n");
  EXPECT_THAT(faults(R"({"algorithm": "x"})"), HasSubstr("algorithm.type: unknown algorithm 'x'"));
  EXPECT_THAT(faults("3"), HasSubstr("must be an object"));
  EXPECT_THAT(faults("{"), HasSubstr("not JSON"));
  EXPECT_THAT(faults(R"({"name": null})"), HasSubstr("name: the key 'name' is missing"));
}

}  // namespace
}  // namespace weir::config
