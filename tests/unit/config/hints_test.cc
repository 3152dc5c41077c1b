// The errors about likely mistakes, and what is read although it is no key.
#include <fmt/format.h>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string of_route(std::string_view keys) { return faults_of(with_route(keys)); }

TEST(Read, TakesBooleansAsYamlWritesThem) {
  Config config =
      must_read("pools: [{name: p, transparent: True, health_check: {enabled: FALSE}}, {name: q, tls: TRUE}]");
  EXPECT_TRUE(config.pools[0].transparent);
  EXPECT_FALSE(config.pools[0].health_check.enabled);
  EXPECT_TRUE(config.pools[1].tls.has_value());
}

TEST(Read, PassesOverKeysThatBeginWithX) {
  Config config = must_read(
      "x-defaults: &defaults {retries: 1, min_healthy: 2}\n"
      "pools:\n"
      "  - {<<: *defaults, name: p, min_healthy: 1, x-owner: {team: a}}\n"
      "  - {name: q, <<: *defaults, backends: [{address: 'a:80', x-rack: 7}]}\n"
      "listeners: [{name: l, address: ':80', x-note: why, pool: p}]\n");
  EXPECT_EQ(config.pools[0].retries.attempts, 1u);
  EXPECT_EQ(config.pools[0].min_healthy, 1u);
  EXPECT_EQ(config.pools[1].min_healthy, 2u);
  EXPECT_THAT(faults_of("X-defaults: 1"), HasSubstr("unknown key"));
}

TEST(Read, RefusesNamesOfHeadersWhereTheyAreNoKeys) {
  EXPECT_THAT(of_route("pool: p, match: {x-canary: 'true'}"),
              HasSubstr("'x-canary' is no key here; a header is matched by `header: {x-canary: ...}`"));
  EXPECT_THAT(of_route("pool: p, request_headers: {x-client: a}"),
              HasSubstr("'x-client' is no key here; x-client belongs into `set`, `add` or `remove`"));
  EXPECT_THAT(of_route("pool: p, response_headers: {x-a: b}"), HasSubstr("belongs into `set`, `add` or `remove`"));
  EXPECT_THAT(of_route("pool: p, x-note: why"), HasSubstr("unknown key 'x-note'"));
  EXPECT_THAT(faults_of(with_pool("health_check: {type: http, x-token: a}")), HasSubstr("unknown key 'x-token'"));
  EXPECT_THAT(faults_of(with_pool("algorithm: {type: maglev, x-a: b}")), HasSubstr("unknown key 'x-a'"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: ':80', forward: {x-real-ip: true}}]"),
              HasSubstr("unknown key 'x-real-ip'"));
}

TEST(Read, SaysWhereAKeyBelongsThatIsWrittenTooHigh) {
  EXPECT_THAT(faults_of("min_healthy: 1"), HasSubstr("unknown key 'min_healthy' here; it belongs into `pools[]`"));
  EXPECT_THAT(faults_of("weight: 1"), HasSubstr("it belongs into `pools[].backends[]`"));
  EXPECT_THAT(faults_of(with_pool("weight: 3")), HasSubstr("it belongs into `backends[]`"));
  EXPECT_THAT(faults_of(with_pool("interval: 3s")), HasSubstr("it belongs into `health_check`"));
  EXPECT_THAT(faults_of(with_pool("expected_status: 200")), HasSubstr("`health_check`"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: ':80', path_prefix: /x}]"),
              HasSubstr("it belongs into `routes[].match`"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: ':80', routes: [{path_prefix: /x, respond: 200}]}]"),
              HasSubstr("it belongs into `match` or `rewrite`"));
  EXPECT_THAT(faults_of("min_helthy: 1"), HasSubstr("unknown key 'min_helthy'"));
}

TEST(Read, TakesRelativePathsAsRelativeToTheFile) {
  constexpr const char* kText =
      "access_log: logs/access.log\nstore: {type: sqlite, path: weir.db}\n"
      "sticky_secret: {file: secret}\ntls: {ticket_keys: ../keys, ocsp_folder: /var/ocsp}\n"
      "pools: [{name: p, tls: {ca: ca.pem}}]\n";
  Config config = read_yaml(kText, "/etc/weir/weir.yaml", test_kinds()).value();
  EXPECT_EQ(config.access_log.path, "/etc/weir/logs/access.log");
  EXPECT_EQ(option<std::string>(config.store, "path"), "/etc/weir/weir.db");
  EXPECT_EQ(config.sticky_secret.file, "/etc/weir/secret");
  EXPECT_EQ(config.tls.ticket_keys, "/etc/weir/../keys");
  EXPECT_EQ(config.tls.ocsp_folder, "/var/ocsp");
  EXPECT_EQ(config.pools[0].tls->ca, "/etc/weir/ca.pem");
  EXPECT_EQ(read_yaml(kText, "weir.yaml", test_kinds())->access_log.path, "logs/access.log");
  EXPECT_EQ(read_yaml("access_log: stderr", "/etc/weir/weir.yaml", test_kinds())->access_log.path, "stderr");
}

TEST(Validate, NamesTheDefaultThatAnIntervalClashesWith) {
  EXPECT_THAT(
      faults_of(with_pool("health_check: {interval: 1s}")),
      HasSubstr("health_check.interval: 1s is shorter than timeout, which is 2s by default: probes would overlap; "
                "set timeout as well, to at most 1s"));
  EXPECT_THAT(faults_of(with_pool("health_check: {interval: 500ms, timeout: 500ms}")),
              HasSubstr("interval: 500ms is shorter than fast_interval, which is 1s by default"));
}

TEST(Validate, RefusesIdsThatAreNoSegmentOfAPath) {
  for (const char* id : {".", ".."}) {
    EXPECT_THAT(faults_of(with_backend(fmt::format("{{id: {}, host: a, port: 80}}", id))),
                HasSubstr("and neither . nor .."));
    EXPECT_THAT(faults_of(fmt::format("pools: [{{name: {}}}]", id)), HasSubstr("and neither '.' nor '..'"));
  }
  EXPECT_EQ(faults_of(with_backend("{id: ..., host: a, port: 80}")), "");
}

TEST(Read, HintsAtKeysOfOtherPrograms) {
  EXPECT_THAT(faults_of(with_pool("protocol: https")), HasSubstr("'https' is no protocol of a pool; use `tls: true`"));
  EXPECT_THAT(faults_of(with_pool("timeout: 3s")), HasSubstr("write `timeouts: {response: ...}`"));
  EXPECT_THAT(faults_of("timeout: 3s"), HasSubstr("write `timeouts: {response: ...}`"));
  EXPECT_THAT(faults_of(with_backend("{ip: 10.0.0.1, port: 80}")), HasSubstr("address or name is its `host`"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: ':80', protocol: http2}]"), HasSubstr("`http2: true`"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: ':80', protocol: https, tls: {cert: a, key: b}}]"),
              HasSubstr("tls.cert: is no key of a listener's tls; write `certificates: [{cert: FILE, key: FILE}]`"));
}

TEST(Validate, RefusesGroupsThatPathRegexLacks) {
  EXPECT_EQ(of_route("match: {path_regex: '/a/(.*)'}, redirect: '/{1}{0}'"), "");
  EXPECT_THAT(of_route("match: {path_regex: '/a/(.*)'}, redirect: '/{2}'"),
              HasSubstr("redirect.to: '{2}' is no group of match.path_regex '/a/(.*)'"));
  EXPECT_THAT(of_route("redirect: '/{1}'"), HasSubstr("'{1}' needs match.path_regex"));
}

TEST(Validate, HintsAtWhatAnAddressIsMeantToBe) {
  EXPECT_THAT(faults_of(with_backend("'http://host'")), HasSubstr("write host and port without 'http://'"));
  EXPECT_THAT(faults_of(with_backend("'https://host:8080'")), HasSubstr("without 'https://'"));
  EXPECT_THAT(faults_of(with_backend("{host: 'http://host', port: 80}")), HasSubstr("without 'http://'"));
  EXPECT_THAT(faults_of(with_backend("'::1:80'")), HasSubstr("is written with brackets: [::1]:80"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: '::1:80'}]"), HasSubstr("with brackets: [::1]:80"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: 'http://0.0.0.0:80'}]"), HasSubstr("without 'http://'"));
  EXPECT_THAT(faults_of("admin: '::1:9090'"), HasSubstr("with brackets: [::1]:9090"));
}

TEST(Validate, NamesTheRouteOfAnExpressionThatIsTooLarge) {
  std::string expression = "/";
  for (int i = 0; i < 200; ++i) expression += "[a-z]{1000}";
  EXPECT_THAT(of_route(fmt::format("name: huge, pool: p, match: {{path_regex: '{}'}}", expression)),
              AllOf(HasSubstr("match.path_regex: route 'huge': "), HasSubstr("is too large")));
  EXPECT_EQ(of_route("name: fine, pool: p, match: {path_regex: '/[a-z]{1000}'}"), "");
}

TEST(Validate, KnowsVariablesByWhereTheyStand) {
  EXPECT_EQ(of_route("pool: p, request_headers: {set: {a: '{client} {backend} {tls.sni} {header.x-b}'}}"), "");
  EXPECT_EQ(of_route("pool: p, response_headers: {add: {a: '{route}{{json}'}}"), "");
  EXPECT_EQ(of_route("redirect: 'https://{host}:{listener_port}/{client}'"), "");
  EXPECT_EQ(of_route("pool: p, rewrite: {host: '{tls.sni}'}"), "");
  EXPECT_THAT(of_route("pool: p, request_headers: {set: {a: '{clinet}'}}"),
              HasSubstr("'{clinet}' is no variable here; did you mean '{client}'?"));
  EXPECT_THAT(of_route("pool: p, response_headers: {set: {a: '{\"json\": 1}'}}"), HasSubstr("write '{{' for a brace"));
  EXPECT_THAT(of_route("pool: p, rewrite: {host: '{oops'}"), HasSubstr("is not closed with '}'"));
  EXPECT_THAT(of_route("redirect: '/{backend}'"), HasSubstr("is no variable here"));
  EXPECT_THAT(of_route("pool: p, request_headers: {set: {a: '{1}'}}"), HasSubstr("is no variable here"));
}

TEST(Validate, LetsOnlyClientsOfTrustedProxiesPastARedirectToHttps) {
  constexpr const char* kListener =
      "pools: [{{name: p}}]\nlisteners: [{{name: a, address: ':80', redirect_to_https: 443, pool: p{}}}]";
  EXPECT_THAT(faults_of(fmt::format(kListener, "")), HasSubstr("redirect_to_https: "));
  EXPECT_EQ(faults_of(fmt::format(kListener, ", trusted_proxies: 10.0.0.0/8")), "");
}

}  // namespace
}  // namespace weir::config
