#include "config/read.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(Read, GivesDefaultsForAnEmptyFile) {
  Config config = must_read("");
  Config expected;
  EXPECT_EQ(config, expected);
}

TEST(Read, FillsInTheDefaultOptionsOfWhatIsNotWritten) {
  Config config = must_read("pools: [{name: p, health_check: {type: http}}]");
  const Choice& checker = config.pools[0].health_check.checker;
  EXPECT_EQ(option<std::string>(checker, "path"), "/health");
  EXPECT_EQ(option<Duration>(checker, "settle"), Duration(0));
  EXPECT_EQ(checker.options.size(), 5u);
}

TEST(Read, TakesTheExampleOfTheDesign) {
  Config config = must_read(R"(
workers: auto
admin: {listen: 127.0.0.1:9090}
store: {type: sqlite, path: /var/lib/weir/weir.db}
access_log: {enabled: true, path: stdout, format: json}
timeouts: {header: 10s, body: 60s, idle: 60s, connect: 2s, response: 60s, tunnel: 1h}
listeners:
  - name: web
    address: 0.0.0.0:80
    protocol: http
    routes:
      - match: {host: api.example.com, path_prefix: /v1, method: [GET, POST], header: {x-tenant: acme}}
        pool: api
      - match: {path_prefix: /old}
        redirect: {to: /new, status: 301}
    pool: site
pools:
  - name: site
    algorithm: maglev
    protocol: http/1.1
    health_check: {type: http, path: /health, interval: 5s, timeout: 2s, healthy_threshold: 2, unhealthy_threshold: 3, expected_status: [200-299]}
    min_healthy: 1
    slow_start: 30s
    drain_timeout: 300s
    retries: {attempts: 2, budget: 20%}
    backends:
      - {id: web-1, host: 10.0.1.10, port: 8080, weight: 3, max_connections: 0}
  - name: api
)");
  ASSERT_EQ(config.listeners.size(), 1u);
  const Listener& web = config.listeners[0];
  EXPECT_EQ(web.origin, (Origin{"t.yaml", 8, 5}));
  ASSERT_EQ(web.routes.size(), 2u);
  EXPECT_EQ(web.routes[0].name, "web/1");
  EXPECT_EQ(web.routes[0].match.method, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(web.routes[0].origin.line, 12);
  EXPECT_EQ(web.routes[1].redirect->status, 301);
  EXPECT_EQ(option<std::string>(config.store, "path"), "/var/lib/weir/weir.db");
  const Pool& site = config.pools[0];
  EXPECT_EQ(site.slow_start, seconds(30));
  EXPECT_DOUBLE_EQ(site.retries.budget, 0.2);
  ASSERT_EQ(site.backends.size(), 1u);
  EXPECT_EQ(site.backends[0].id, "web-1");
  EXPECT_EQ(site.backends[0].weight, 3u);
  EXPECT_EQ(site.backends[0].origin.column, 9);
}

TEST(Read, TakesOneValueWhereAListOfOneWouldDo) {
  Config config = must_read(with_route("match: {host: a.example, method: GET, client: 10.0.0.0/8}, pool: p"));
  const Match& match = config.listeners[0].routes[0].match;
  EXPECT_EQ(match.host, std::vector<std::string>{"a.example"});
  EXPECT_EQ(match.method, std::vector<std::string>{"GET"});
  EXPECT_EQ(match.client[0].to_string(), "10.0.0.0/8");
}

TEST(Read, TakesBackendsInEveryForm) {
  Config config = must_read(R"(
pools:
- name: p
  backends:
  - 10.0.0.1:80
  - "[2001:db8::1]:81"
  - app.internal:82
  - {host: 2001:db8::2, port: 83}
  - {host: "[2001:db8::3]", port: 84}
  - {address: 10.0.0.6, port: 85}
  - {address: "10.0.0.7:86", id: seven}
)");
  std::vector<std::string> seen;
  for (const Backend& backend : config.pools[0].backends) {
    seen.push_back(fmt::format("{}|{}|{}", backend.id, backend.host, backend.port));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"10.0.0.1:80|10.0.0.1|80", "[2001:db8::1]:81|2001:db8::1|81",
                                            "app.internal:82|app.internal|82", "[2001:db8::2]:83|2001:db8::2|83",
                                            "[2001:db8::3]:84|2001:db8::3|84", "10.0.0.6:85|10.0.0.6|85",
                                            "seven|10.0.0.7|86"}));
}

TEST(Read, RefusesBackendsWithoutHostOrPort) {
  EXPECT_THAT(faults_of(with_backend("10.0.0.1")),
              HasSubstr("t.yaml:4:5: pools[0].backends[0].port: the key 'port' is missing"));
  EXPECT_THAT(faults_of(with_backend("{port: 80}")), HasSubstr("backends[0].host: the key 'host' is missing"));
  EXPECT_THAT(faults_of(with_backend("10.0.0.1:0")), HasSubstr("has no port from 1 to 65535"));
  EXPECT_THAT(faults_of(with_backend("10.0.0.1:65536")), HasSubstr("has no port from 1 to 65535"));
  EXPECT_THAT(faults_of(with_backend("10.0.0.1:http")), HasSubstr("has no port from 1 to 65535"));
  EXPECT_THAT(faults_of(with_backend("':80'")), HasSubstr("names no host"));
  EXPECT_THAT(faults_of(with_backend("{host: a, address: b, port: 1}")), HasSubstr("has both address and host"));
  EXPECT_THAT(faults_of(with_backend("{address: 'a:1', port: 2}")), HasSubstr("a port in address and another"));
  EXPECT_THAT(faults_of(with_backend("[]")), HasSubstr("must be a map with keys such as id, host, port"));
}

TEST(Read, TakesStrategiesByNameOrAsMaps) {
  EXPECT_EQ(must_read(with_pool("algorithm: maglev")).pools[0].algorithm.name, "maglev");
  Choice hash = must_read(with_pool("algorithm: {type: consistent_hash, hash_key: 'header:x-user', load_factor: 2}"))
                    .pools[0]
                    .algorithm;
  EXPECT_EQ(option<std::string>(hash, "hash_key"), "header:x-user");
  EXPECT_EQ(option<std::int64_t>(hash, "replicas"), 150);
  EXPECT_EQ(option<double>(hash, "load_factor"), 2.0);
  EXPECT_EQ(option<bool>(hash, "bounded"), true);
  EXPECT_EQ(must_read(with_pool("algorithm: {type: consistent_hash}")).pools[0].algorithm.options.size(), 4u);
}

TEST(Read, NamesTheKnownStrategiesForAnUnknownOne) {
  EXPECT_EQ(faults_of(with_pool("algorithm: magleff")),
            "t.yaml:2:24: pools[0].algorithm.type: unknown algorithm 'magleff'; did you mean 'maglev'? known are "
            "round_robin, weighted_round_robin, maglev, consistent_hash\n");
  EXPECT_THAT(faults_of("store: oracle"), HasSubstr("unknown store type 'oracle'; known are memory, sqlite"));
}

TEST(Read, ChecksOptionsAgainstTheirTable) {
  auto faults = [](std::string_view options) {
    return faults_of(with_pool(fmt::format("algorithm: {{type: consistent_hash, {}}}", options)));
  };
  EXPECT_THAT(faults("replicas: 0"), HasSubstr("algorithm.replicas: must be a whole number from 1 to 1000, not '0'"));
  EXPECT_THAT(faults("replicas: many"), HasSubstr("must be a whole number"));
  EXPECT_THAT(faults("load_factor: 11"), HasSubstr("must be a number from 1 to 10"));
  EXPECT_THAT(faults("bounded: yes"), HasSubstr("must be true or false, not 'yes'"));
  EXPECT_THAT(faults("hash_kei: a"), HasSubstr("unknown key 'hash_kei'; did you mean 'hash_key'?"));
  EXPECT_THAT(faults_of(with_pool("algorithm: {type: maglev, replicas: 3}")), HasSubstr("unknown key 'replicas'"));
  EXPECT_THAT(faults_of(with_pool("algorithm: [maglev]")), HasSubstr("must be a name, or a map"));
}

TEST(Read, AsksTheEntryWhatIsWrongWithItsOptions) {
  EXPECT_EQ(faults_of(with_pool("algorithm: {type: consistent_hash, hash_key: nonsense}")),
            "t.yaml:2:58: pools[0].algorithm.hash_key: 'nonsense' is no hash key\n");
}

TEST(Read, SaysNothingAboutOptionsOfAnUnknownType) {
  EXPECT_EQ(faults_of(with_pool("algorithm: {type: x, replicas: 3, y: 4}")),
            "t.yaml:2:31: pools[0].algorithm.type: unknown algorithm 'x'; known are round_robin, "
            "weighted_round_robin, maglev, consistent_hash\n");
}

TEST(Read, TakesHealthChecksWithCommonKeysAndOptions) {
  HealthCheck health = must_read(with_pool("health_check: {type: http, path: /up, method: HEAD, interval: 2s, "
                                           "expected_status: [200, 300-399], headers: {host: a}, settle: 20ms}"))
                           .pools[0]
                           .health_check;
  EXPECT_EQ(health.interval, seconds(2));
  EXPECT_EQ(option<std::string>(health.checker, "path"), "/up");
  EXPECT_EQ(option<std::vector<std::string>>(health.checker, "expected_status"),
            (std::vector<std::string>{"200", "300-399"}));
  EXPECT_EQ((option<std::map<std::string, std::string>>(health.checker, "headers").at("host")), "a");
  EXPECT_EQ(option<Duration>(health.checker, "settle"), milliseconds(20));
}

TEST(Read, ChecksByTcpUnlessAnOptionOfHttpIsNamed) {
  EXPECT_EQ(must_read("pools: [{name: p}]").pools[0].health_check.checker.name, "tcp");
  EXPECT_EQ(must_read(with_pool("health_check: {interval: 7s}")).pools[0].health_check.checker.name, "tcp");
  HealthCheck health = must_read(with_pool("health_check: {path: /up}")).pools[0].health_check;
  EXPECT_EQ(health.checker.name, "http");
  EXPECT_EQ(option<std::string>(health.checker, "path"), "/up");
}

TEST(Read, TurnsHealthChecksOff) {
  for (std::string_view off : {"off", "false", "{enabled: false}"}) {
    EXPECT_FALSE(must_read(with_pool(fmt::format("health_check: {}", off))).pools[0].health_check.enabled) << off;
  }
  EXPECT_TRUE(must_read(with_pool("health_check: true")).pools[0].health_check.enabled);
  EXPECT_EQ(must_read(with_pool("health_check: tcp")).pools[0].health_check.checker.name, "tcp");
}

TEST(Read, RefusesOptionsOfAnotherChecker) {
  EXPECT_THAT(faults_of(with_pool("health_check: {type: tcp, path: /x}")), HasSubstr("health_check.path: unknown key"));
  EXPECT_THAT(faults_of(with_pool("health_check: {type: http, paht: /x}")), HasSubstr("did you mean 'path'?"));
  EXPECT_THAT(faults_of(with_pool("health_check: {paht: /x}")), HasSubstr("did you mean 'path'?"));
  EXPECT_THAT(faults_of(with_pool("health_check: {method: PATCH}")), HasSubstr("'PATCH' is not one of GET, HEAD"));
}

TEST(Read, TakesHeaderAndQueryPredicatesInEveryForm) {
  Config config =
      must_read(with_route("match: {header: {X-Tenant: acme, X-A: {prefix: a}, X-B: {present: true}, X-C: {regex: "
                           "'a+'}, X-D: {absent: true}, "
                           "X-E: {present: false}, X-F: {exact: f}}, query: {Page: '1'}}, pool: p"));
  const Match& match = config.listeners[0].routes[0].match;
  EXPECT_EQ(match.header, (std::vector<NamedMatch>{{"x-tenant", MatchKind::exact, "acme"},
                                                   {"x-a", MatchKind::prefix, "a"},
                                                   {"x-b", MatchKind::present, ""},
                                                   {"x-c", MatchKind::regex, "a+"},
                                                   {"x-d", MatchKind::absent, ""},
                                                   {"x-e", MatchKind::absent, ""},
                                                   {"x-f", MatchKind::exact, "f"}}));
  EXPECT_EQ(match.query, (std::vector<NamedMatch>{{"Page", MatchKind::exact, "1"}}));
}

TEST(Read, RefusesPredicatesOfAnotherForm) {
  auto faults = [](std::string_view predicate) {
    return faults_of(with_route(fmt::format("match: {{header: {{x: {}}}}}, pool: p", predicate)));
  };
  EXPECT_THAT(faults("{prefx: a}"), HasSubstr("match.header.x.prefx: unknown key 'prefx'; did you mean 'prefix'?"));
  EXPECT_THAT(faults("{prefix: a, regex: b}"), HasSubstr("must have one of the keys"));
  EXPECT_THAT(faults("{}"), HasSubstr("must have one of the keys"));
  EXPECT_THAT(faults("{present: 1}"), HasSubstr("must be true or false"));
  EXPECT_THAT(faults("[a]"), HasSubstr("must be a string, not a list"));
  EXPECT_THAT(faults_of(with_route("match: {header: x}, pool: p")), HasSubstr("must be a map of names"));
}

TEST(Read, TakesHeaderChanges) {
  Config config =
      must_read(with_route("pool: p, request_headers: {set: {X-A: a}, add: {X-B: [b, c]}, remove: X-C}, "
                           "response_headers: {remove: [Server]}"));
  const Route& route = config.listeners[0].routes[0];
  using Fields = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(route.request_headers.set, (Fields{{"X-A", "a"}}));
  EXPECT_EQ(route.request_headers.add, (Fields{{"X-B", "b"}, {"X-B", "c"}}));
  EXPECT_EQ(route.request_headers.remove, std::vector<std::string>{"X-C"});
  EXPECT_EQ(route.response_headers.remove, std::vector<std::string>{"Server"});
}

TEST(Read, TakesShortActions) {
  EXPECT_EQ(must_read(with_route("redirect: /new")).listeners[0].routes[0].redirect->to, "/new");
  EXPECT_EQ(must_read(with_route("respond: 404")).listeners[0].routes[0].respond->status, 404);
  EXPECT_EQ(must_read("access_log: /var/log/weir.log").access_log.path, "/var/log/weir.log");
  EXPECT_FALSE(must_read("access_log: off").access_log.enabled);
  EXPECT_EQ(must_read("listeners: [{name: l, address: '127.0.0.1:80', min_rate: off}]")
                .listeners[0]
                .min_rate.bytes_per_second,
            0u);
  EXPECT_EQ(must_read("admin: 127.0.0.1:1234").admin.listen, "127.0.0.1:1234");
}

TEST(Read, TakesAnAddressWithoutHostAsEveryAddress) {
  EXPECT_EQ(must_read("listeners: [{name: l, address: ':8080'}]").listeners[0].address, "*:8080");
  EXPECT_EQ(must_read("listeners: [{name: l, address: '10.0.0.1:80, :81,:82'}]").listeners[0].address,
            "10.0.0.1:80,*:81,*:82");
  EXPECT_THAT(faults_of("listeners: [{name: l, address: ',*:8080'}]"), HasSubstr("is no address to listen on"));
}

TEST(Read, ReportsUnknownKeysWithTheNearestName) {
  EXPECT_EQ(faults_of("lisseners: []"), "t.yaml:1:1: lisseners: unknown key 'lisseners'; did you mean 'listeners'?\n");
  EXPECT_THAT(faults_of("zzzzzz: 1"), HasSubstr("unknown key 'zzzzzz'; known are workers, admin, store"));
  EXPECT_THAT(faults_of("\"a\\nb\": 1"), HasSubstr("unknown key 'a\\u000ab'"));
}

TEST(Read, ExplainsKeysThatThisBuildDoesNotOffer) {
  EXPECT_THAT(faults_of(with_pool("origin: {}")), HasSubstr("is set by Weir itself"));
}

TEST(Read, ReportsMissingKeysAtTheirMap) {
  EXPECT_EQ(faults_of("listeners:\n- name: l\n"),
            "t.yaml:2:3: listeners[0].address: the key 'address' is missing: address:port, or several; *:port for "
            "every address of both families; 5000-5010 for a range of ports\n");
  EXPECT_THAT(faults_of("pools: [{}]"), HasSubstr("t.yaml:1:9: pools[0].name: the key 'name' is missing"));
}

TEST(Read, ReportsEveryFaultInTheOrderOfTheFile) {
  EXPECT_EQ(
      faults_of(
          "workers: x\npools:\n- name: a\n  slow_start: 3\n  bad: 1\n- name: a\n  backends: [{host: b, port: 0}]\n"
          "listeners:\n- {name: l, address: nowhere, pool: b, pool: a}\n"),
      "t.yaml:1:10: workers: must be 'auto' or a whole number from 0 to 64, not 'x'\n"
      "t.yaml:4:15: pools[0].slow_start: '3' has no unit; write 3s or 3ms\n"
      "t.yaml:5:3: pools[0].bad: unknown key 'bad'; known are name, protocol, tls, algorithm, health_check, agent, "
      "passive, min_healthy, "
      "slow_start, drain_timeout, retries, connections, timeouts, grpc, sticky, sticky_sessions, sticky_ttl, "
      "proxy_protocol, transparent, backends\n"
      "t.yaml:6:9: pools[1].name: another pool is called 'a' (t.yaml:3); names of pools must differ\n"
      "t.yaml:7:30: pools[1].backends[0].port: must be a whole number from 1 to 65535, not '0'\n"
      "t.yaml:9:22: listeners[0].address: 'nowhere' is no address to listen on; write ip:port such as 0.0.0.0:80, "
      "[::]:80 or *:80, a range of ports such as *:5000-5010, or several of them; at most 1024 ports in all\n"
      "t.yaml:9:40: listeners[0].pool: the key appears twice in this map (first on line 9); remove one of them\n");
}

TEST(Read, RefusesOtherShapesThanExpected) {
  EXPECT_THAT(faults_of("[a, b]"), HasSubstr("must be a map with keys such as workers, admin, store, access_log"));
  EXPECT_THAT(faults_of("word"), HasSubstr("must be a map"));
  EXPECT_THAT(faults_of("pools: {site: {}}"), HasSubstr("must be a list; write each of the pools after a '- '"));
  EXPECT_THAT(faults_of("pools: x"), HasSubstr("pools: must be a map"));
  EXPECT_THAT(faults_of("admin: [x]"), HasSubstr("admin: must be a map"));
  EXPECT_THAT(faults_of(with_pool("retries: [1]")), HasSubstr("must be a map with keys such as attempts"));
}

TEST(Read, TakesNothingForAnEmptyListOrMap) {
  Config config = must_read("listeners:\nadmin:\npools:\n- name: p\n  backends:\n  health_check:\n  algorithm:\n");
  EXPECT_TRUE(config.pools[0].backends.empty());
  EXPECT_TRUE(config.pools[0].health_check.enabled);
}

TEST(Read, ReportsFilesThatCannotBeRead) {
  auto missing = read_file("/nonexistent/weir.yaml", test_kinds());
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(faults_text(missing.error()), "/nonexistent/weir.yaml: cannot be read: No such file or directory\n");
  EXPECT_THAT(faults_text(read_file("/", test_kinds()).error()), HasSubstr("not a regular file"));
}

class TemporaryFile {
 public:
  TemporaryFile() {
    int descriptor = ::mkstemp(path_.data());
    if (descriptor >= 0) ::close(descriptor);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "weir-config-XXXXXX";
};

TEST(Read, ReadsAFileAndNamesItInOrigins) {
  TemporaryFile file;
  std::ofstream(file.path()) << "pools: [{name: p}]\n";
  auto config = read_file(file.path(), test_kinds());
  ASSERT_TRUE(config.has_value()) << faults_text(config.error());
  EXPECT_EQ(config->pools[0].origin, (Origin{file.path(), 1, 9}));
}

TEST(Read, RefusesFilesThatSayNothing) {
  for (const char* text : {"", "\xef\xbb\xbf", "\xef\xbb\xbf# nothing\n", "---\r\n", "--- \n", "null\n", "~\n",
                           "--- # x\n", "%YAML 1.2\n---\n", "# a\r\n\r\n"}) {
    TemporaryFile file;
    std::ofstream(file.path()) << text;
    auto config = read_file(file.path(), test_kinds());
    ASSERT_FALSE(config.has_value()) << text;
    EXPECT_THAT(faults_text(config.error()), HasSubstr("is empty: it names no listener")) << text;
  }
  TemporaryFile file;
  std::ofstream(file.path()) << "{}\n";
  EXPECT_TRUE(read_file(file.path(), test_kinds()).has_value());
}

TEST(Read, RefusesListsOfClientsThatNameNobody) {
  for (const char* empty : {"", "[]", "\n    # - 10.0.0.0/8"}) {
    std::string listener = fmt::format("listeners:\n- name: a\n  address: '*:80'\n  allow: {}\n", empty);
    EXPECT_THAT(faults_of(listener), HasSubstr("listeners[0].allow: must not be empty")) << empty;
  }
  EXPECT_THAT(faults_of("listeners: [{name: a, address: '*:80', routes: [{match: {client: []}, respond: 200}]}]"),
              HasSubstr("listeners[0].routes[0].match.client: must not be empty"));
}

TEST(Read, RefusesFilesThatAreTooLarge) {
  TemporaryFile file;
  std::filesystem::resize_file(file.path(), kMaxFileBytes + 1);
  EXPECT_THAT(faults_text(read_file(file.path(), test_kinds()).error()), HasSubstr("is larger than 64 MB"));
}

TEST(BuiltInConfig, ListensOn8080AndIsValid) {
  Config config = built_in_config(test_kinds());
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].address, "*:8080");
  EXPECT_EQ(config.listeners[0].pool, "default");
  EXPECT_TRUE(config.listeners[0].origin.from_api());
  EXPECT_EQ(config.admin.listen, "127.0.0.1:9090");
  EXPECT_EQ(config.pools[0].origin, (Origin{"api", 0, 0}));
}

}  // namespace
}  // namespace weir::config
