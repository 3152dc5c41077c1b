#include "app/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/weir.h"
#include "config/read.h"

namespace weir::app {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kText = R"(
listeners:
  - name: web
    address: "*:8080"
    trusted_proxies: [10.0.0.0/8]
    limits: {body_bytes: 10}
    routes:
      - {name: api, match: {host: api.example.com, path_prefix: /v1}, pool: inner, rewrite: {path_prefix: /}}
      - {name: old, match: {path_prefix: /old}, redirect: {to: /new, status: 308}}
      - {name: private, match: {client: 192.0.2.0/24}, respond: 403}
    pool: site
  - name: bare
    address: 127.0.0.1:8081
    routes: [{match: {path: /only}, pool: site}]
pools:
  - name: site
    algorithm: {type: maglev, hash_key: "header:x-user"}
    backends: [{id: a, host: 127.0.0.1, port: 1}, {id: b, host: 127.0.0.1, port: 2}, {id: c, host: 127.0.0.1, port: 3}]
  - name: inner
    backends: [{id: one, host: 127.0.0.1, port: 4}, {id: off, host: 127.0.0.1, port: 5, enabled: false}, {id: zero, host: 127.0.0.1, port: 6, weight: 0}]
)";

config::Config config_of(const char* text) {
  auto read = config::read_yaml(text, "weir.yaml", kinds());
  EXPECT_TRUE(read) << (read ? "" : config::format(read.error().front()));
  return read.value_or(config::Config{});
}

std::string told(const ExplainRequest& request) {
  static const config::Config kConfig = config_of(kText);
  auto answer = explain(kConfig, request);
  return answer ? answer->text : "error: " + answer.error();
}

std::string told(const char* url, std::vector<std::string> headers = {}) {
  return told(ExplainRequest{.method = "GET", .url = url, .headers = std::move(headers)});
}

TEST(Explain, TellsListenerRouteRewritePoolAndBackends) {
  std::string text = told("http://api.example.com:8080/v1/users?x=1");
  for (const char* part :
       {"web (*:8080, weir.yaml:3)", "api, weir.yaml:8", "the backend sees /users?x=1", "inner: weighted_round_robin",
        "- one (127.0.0.1:4) weight 1", "off (127.0.0.1:5) weight 1, disabled", "weight 0: no new requests"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(Explain, TellsWhatARedirectAndAFixedResponseAnswer) {
  EXPECT_THAT(told("http://x:8080/old/page?q"), HasSubstr("308 redirect to /new?q"));
  EXPECT_THAT(told({.method = "GET", .url = "http://x:8080/", .client = "192.0.2.7"}), HasSubstr("403 with a body"));
}

TEST(Explain, TakesTheClientOfATrustedProxyFromXForwardedFor) {
  std::string text =
      told({.method = "GET", .url = "http://x:8080/", .headers = {"X-Forwarded-For: 192.0.2.7"}, .client = "10.1.1.1"});
  EXPECT_THAT(text, HasSubstr("192.0.2.7 by X-Forwarded-For of the trusted 10.1.1.1"));
  EXPECT_THAT(text, HasSubstr("403 with a body"));
}

TEST(Explain, NamesTheBackendThatAHashPicksAndStaysWithIt) {
  std::string first = told("http://x:8080/", {"X-User: bob"});
  EXPECT_THAT(first, HasSubstr("key: header x-user = bob"));
  EXPECT_THAT(first, HasSubstr("while all are healthy"));
  EXPECT_EQ(first, told("http://x:8080/", {"X-User: bob"}));
}

TEST(Explain, SaysThatAMissingKeyFallsBackToTheClientAddress) {
  EXPECT_THAT(told("http://x:8080/"), HasSubstr("127.0.0.1 (the client address: it is not there)"));
}

TEST(Explain, SaysWhenNoListenerOrNoRouteTakesIt) {
  EXPECT_THAT(told("http://127.0.0.1:99/"),
              HasSubstr("none accepts connections to 127.0.0.1:99; there is web on *:8080"));
  EXPECT_THAT(told("http://10.9.9.9:8081/"), HasSubstr("none accepts"));
  EXPECT_THAT(told("http://name:8081/other"), HasSubstr("404"));
}

TEST(Explain, KnowsWhatOtherListenersThanPlainOnesDo) {
  static const config::Config kConfig = config_of(R"(
listeners:
  - {name: plain, address: "127.0.0.1:80", redirect_to_https: 443}
  - {name: denied, address: "127.0.0.1:81", deny: [192.0.2.0/24], allow: [127.0.0.1, 192.0.2.0/24], pool: site}
  - {name: bytes, address: "127.0.0.1:82", protocol: tcp, pool: site}
  - name: names
    address: "127.0.0.1:83"
    protocol: tls
    routes: [{name: known, match: {host: a.example}, pool: site}]
  - name: secure
    address: "127.0.0.1:84"
    protocol: https
    tls: {certificates: [{cert: site.pem, key: site.key}]}
    routes: [{match: {path: /r}, redirect: {to: "{scheme}://{host}/x"}}]
  - {name: datagrams, address: "127.0.0.1:84", protocol: udp, pool: site}
  - {name: more, address: "127.0.0.1:85", protocol: udp, pool: site}
pools: [{name: site, backends: [{id: a, host: 127.0.0.1, port: 1}]}]
)");
  auto told = [](const char* url, const char* client = "127.0.0.1") {
    auto answer = explain(kConfig, {.method = "GET", .url = url, .client = client});
    return answer ? answer->text : "error";
  };
  EXPECT_THAT(told("http://name:80/a?b"), HasSubstr("308 redirect to https://name/a?b"));
  EXPECT_THAT(told("http://name:81/"), HasSubstr("- a (127.0.0.1:1)"));
  EXPECT_THAT(told("http://name:81/", "192.0.2.1"), HasSubstr("192.0.2.1 may not connect"));
  EXPECT_THAT(told("http://name:81/", "198.51.100.1"), HasSubstr("198.51.100.1 may not connect"));
  EXPECT_THAT(told("http://name:82/"), testing::AllOf(HasSubstr("relays the bytes"), HasSubstr("- a (127.0.0.1:1)")));
  EXPECT_THAT(told("https://A.example:83/"), testing::AllOf(HasSubstr("known"), HasSubstr("- a (127.0.0.1:1)")));
  EXPECT_THAT(told("https://b.example:83/"), HasSubstr("the connection is closed"));
  EXPECT_THAT(told("https://a.example:84/r"), HasSubstr("redirect to https://a.example/x"));
  EXPECT_THAT(told("http://a.example:84/r"), HasSubstr("speaks https"));
  EXPECT_THAT(told("https://a.example:84/r"), Not(HasSubstr("datagrams")));
  EXPECT_THAT(told("http://a.example:85/r"), HasSubstr("none accepts"));
  EXPECT_THAT(told("/r"), HasSubstr("plain (127.0.0.1:80"));
}

TEST(Explain, SaysWhatWeirRefusesInItsOwnWords) {
  EXPECT_THAT(told("http://x:8080/", {"bad name: 1"}), HasSubstr("refused with 400: "));
  EXPECT_THAT(told("http://x:8080/", {"Content-Length: 1", "Transfer-Encoding: chunked"}),
              HasSubstr("refused with 400: "));
  EXPECT_THAT(told("http://x:8080/", {"Host: a", "Host: b"}), HasSubstr("refused with 400: "));
  EXPECT_THAT(told({.method = "TRACE", .url = "http://x:8080/"}), HasSubstr("refused with 405"));
  EXPECT_THAT(told({.method = "POST", .url = "http://x:8080/", .headers = {"Content-Length: 11"}}),
              HasSubstr("refused with 413"));
  EXPECT_THAT(told("http://x:8080/", {"a: b\r\n\r\nGET / HTTP/1.1"}), HasSubstr("makes two of it"));
  EXPECT_THAT(told({.method = "GET", .url = "http://x:8080/" + std::string(9000, 'a')}), HasSubstr("refused with 414"));
}

TEST(Explain, LetsNoControlByteReachTheTerminal) {
  EXPECT_THAT(told({.method = "GET", .url = "http://x:8080/\x1b[2J"}), Not(HasSubstr("\x1b")));
}

TEST(Explain, RefusesQuestionsThatMakeNoSense) {
  for (const char* url :
       {"", "http://", "ftp://x/", "http://x:0/", "http://x:65536/", "http://x:y/", "http://u@x/", "http://:80/"}) {
    EXPECT_THAT(told(url), HasSubstr("error: ")) << url;
  }
  EXPECT_THAT(told({.method = "GET", .url = "/", .client = "me"}), HasSubstr("error: 'me' is no client address"));
}

TEST(ParseUrl, KnowsItsParts) {
  auto url = parse_url("HTTPS://[::1]/a?b#c");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->https);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/a?b");
  url = parse_url("example.com:81?x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->port, 81);
  EXPECT_EQ(url->target, "/?x");
  url = parse_url("/x?next=http://y/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->authority, "");
  EXPECT_EQ(url->target, "/x?next=http://y/");
}

bool is_taken(const config::Config& config, const char* url, std::vector<std::string> headers = {}) {
  auto answer = explain(config, {.method = "GET", .url = url, .headers = std::move(headers)});
  return answer && answer->taken;
}

TEST(Explain, KnowsWhetherAnythingTakesTheRequest) {
  const config::Config config = config_of(kText);
  EXPECT_TRUE(is_taken(config, "http://api.example.com:8080/v1/x"));
  EXPECT_TRUE(is_taken(config, "http://x:8080/old"));
  EXPECT_FALSE(is_taken(config, "http://x:8081/other")) << "no route and no pool";
  EXPECT_FALSE(is_taken(config, "http://127.0.0.1:99/")) << "no listener";
  EXPECT_FALSE(is_taken(config, "http://x:8080/", {"bad name: 1"})) << "refused";
  EXPECT_FALSE(is_taken(config, "http://x:8080/a%2fb")) << "refused for its path";
  EXPECT_FALSE(is_taken(config_of("listeners: [{name: w, address: '*:80', pool: p}]\npools: [{name: p}]"), "http://x/"))
      << "no backend";
}

TEST(Explain, ShowsThePathThatRoutesCompare) {
  EXPECT_THAT(told("http://x:8080/a/..//%6fld;v"), HasSubstr("path       /old, as routes compare it"));
  EXPECT_THAT(told("http://x:8080/old"), Not(HasSubstr("as routes compare it")));
}

TEST(Explain, BelievesATrustedProxyThatTheClientUsedHttps) {
  const config::Config config = config_of(
      "listeners: [{name: w, address: '*:80', pool: p, redirect_to_https: 443, trusted_proxies: 127.0.0.1}]\n"
      "pools: [{name: p, backends: ['10.0.0.1:80']}]");
  auto text = [&](std::vector<std::string> headers) {
    return explain(config, {.method = "GET", .url = "http://x/", .headers = std::move(headers)})->text;
  };
  EXPECT_THAT(text({}), HasSubstr("308 redirect to https://x/"));
  EXPECT_THAT(text({"X-Forwarded-Proto: https"}), HasSubstr("p, what no route takes"));
}

TEST(Explain, NamesPoolsThatTrafficNeverReachesWhereNothingTakesARequest) {
  const config::Config config = config_of(
      "listeners: [{name: w, address: '*:80'}]\n"
      "pools: [{name: default, backends: ['10.0.0.1:80']}, {name: empty}]");
  auto text = [&](const char* url) { return explain(config, {.method = "GET", .url = url})->text; };
  const char* warning = "warning    no listener and no route uses the pool 'default'\n";
  EXPECT_THAT(text("http://x/"), HasSubstr(warning));
  EXPECT_THAT(text("http://127.0.0.1:99/"), HasSubstr(warning)) << "no listener either";
  EXPECT_THAT(text("http://x/"), Not(HasSubstr("'empty'")));
}

TEST(Explain, WarnsOfWeightsWithoutEffect) {
  const config::Config config = config_of(
      "listeners: [{name: w, address: '*:80', pool: p}]\n"
      "pools: [{name: p, algorithm: round_robin, backends: [{address: '10.0.0.1:80', weight: 3}, '10.0.0.2:80']}]");
  auto answer = explain(config, {.method = "GET", .url = "http://x/"});
  EXPECT_THAT(answer->text, HasSubstr("round_robin ignores the weights"));
}

}  // namespace
}  // namespace weir::app
