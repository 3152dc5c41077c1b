#include "config/validate.h"

#include <fmt/format.h>

#include "config/access_log_fields.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string listener(std::string_view keys) {
  return "pools: [{name: p}]\nlisteners:\n- {name: l, address: '127.0.0.1:80', " + std::string(keys) + "}\n";
}
std::string of_route(std::string_view keys) { return faults_of(with_route(keys)); }

TEST(Validate, FindsDuplicateNamesPerKind) {
  EXPECT_THAT(faults_of("pools: [{name: a}, {name: b}, {name: a}]"),
              HasSubstr("t.yaml:1:38: pools[2].name: another pool is called 'a' (t.yaml:1)"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: '*:1'}, {name: a, address: '*:2'}]"),
              HasSubstr("listeners[1].name: another listener is called 'a'"));
  EXPECT_THAT(faults_of("listeners: [{name: a, address: '*:1', routes: [{name: r, respond: 204}]}, "
                        "{name: b, address: '*:2', routes: [{name: r, respond: 204}]}]"),
              HasSubstr("listeners[1].routes[0].name: another route is called 'r'"));
  EXPECT_EQ(faults_of("pools: [{name: a}]\nlisteners: [{name: a, address: '*:1', pool: a}]"), "");
}

TEST(Validate, ChecksNames) {
  for (std::string_view bad : {"''", "'a b'", "\"a\\n\"", "ä", "'a\"b'"}) {
    EXPECT_THAT(faults_of(fmt::format("pools: [{{name: {}}}]", bad)),
                HasSubstr("pools[0].name: must be 1 to 128 letters"))
        << bad;
  }
}

TEST(Validate, FindsReferencesToPoolsThatDoNotExist) {
  EXPECT_THAT(faults_of("pools: [{name: site}]\nlisteners:\n- name: l\n  address: '*:1'\n  pool: sit\n"),
              HasSubstr("t.yaml:5:9: listeners[0].pool: no such pool: 'sit'; did you mean 'site'?"));
  EXPECT_THAT(of_route("pool: nowhere"), HasSubstr("routes[0].pool: no such pool: 'nowhere'"));
}

TEST(Validate, WantsExactlyOneAction) {
  EXPECT_THAT(of_route("match: {path: /}"), HasSubstr("exactly one of pool, redirect and respond; it has none"));
  EXPECT_THAT(of_route("pool: p, respond: 404"), HasSubstr("it has several"));
  EXPECT_THAT(of_route("redirect: /x, respond: 404"), HasSubstr("it has several"));
}

TEST(Validate, ChecksStickiness) {
  EXPECT_THAT(faults_of(with_pool("sticky: header")), HasSubstr("pools[0].sticky.name: needs a name"));
  EXPECT_THAT(faults_of(with_pool("sticky: {type: source_ip, name: x}")),
              HasSubstr("is an option of `type: cookie` or `type: header` only"));
  EXPECT_THAT(faults_of(with_pool("sticky: cokie")),
              HasSubstr("pools[0].sticky.type: unknown stickiness method 'cokie'; did you mean 'cookie'?"));
  for (std::string_view good :
       {"off", "cookie", "source_ip", "{type: header, name: x-session}", "{type: cookie, ttl: 5m}"}) {
    EXPECT_EQ(faults_of(with_pool(fmt::format("sticky: {}", good))), "") << good;
  }
}

TEST(Validate, ChecksTheSecretOfStickyCookies) {
  EXPECT_THAT(faults_of("sticky_secret: tooshort"),
              HasSubstr("sticky_secret.value: has 8 bytes and must have at least 16"));
  EXPECT_THAT(faults_of("sticky_secret: ''"), HasSubstr("sticky_secret.value: has 0 bytes"));
  EXPECT_THAT(faults_of("sticky_secret: {file: ''}"), HasSubstr("sticky_secret.file: must be the path of a file"));
  EXPECT_THAT(faults_of("sticky_secret: {value: 0123456789abcdef, file: /x}"), HasSubstr("both a value and a file"));
  EXPECT_EQ(faults_of("sticky_secret: 0123456789abcdef"), "");
  EXPECT_EQ(faults_of("sticky_secret: {file: /run/secret}"), "");
}

TEST(Validate, WantsAnHttp2ConnectionForEachWorker) {
  auto pool = [](std::string_view workers, std::string_view protocol, int most) {
    return fmt::format(
        "workers: {}\npools:\n- name: p\n  protocol: {}\n  backends: [{{address: 'a:80', max_connections: {}}}]\n",
        workers, protocol, most);
  };
  EXPECT_THAT(faults_of(pool("4", "h2", 3)),
              HasSubstr("pools[0].backends[0].max_connections: must be at least 4, the number of workers, or 0"));
  for (const std::string& good :
       {pool("4", "h2", 4), pool("4", "h2", 0), pool("4", "http/1.1", 1), pool("auto", "h2", 1)}) {
    EXPECT_EQ(faults_of(good), "") << good;
  }
}

TEST(Validate, FindsBackendsThatAppearTwice) {
  EXPECT_THAT(faults_of(with_pool("backends: [a:80, 'A:80']")),
              HasSubstr("pools[0].backends[1]: the pool has A:80 already (backends[0])"));
  EXPECT_THAT(faults_of(with_pool("backends: [{id: x, address: 'a:80'}, {id: x, address: 'a:81'}]")),
              HasSubstr("pools[0].backends[1].id: backends[0] of this pool has the id 'x' already"));
  EXPECT_EQ(faults_of("pools: [{name: a, backends: ['h:80']}, {name: b, backends: ['h:80']}]"), "");
}

TEST(Validate, UdpListenersHaveAPoolAndNothingOfHttp) {
  EXPECT_EQ(faults_of(listener("protocol: udp, pool: p, udp: {expected_responses: 1, max_flows: 9}")), "");
  EXPECT_THAT(faults_of(listener("protocol: udp")), HasSubstr("listeners[0].pool: a udp listener needs one"));
  EXPECT_THAT(
      faults_of(listener("protocol: udp, pool: p, via: x, trusted_proxies: [10.0.0.0/8], "
                         "limits: {connections: 5}, routes: [{respond: 200}]")),
      AllOf(HasSubstr("listeners[0].routes: match requests of HTTP"), HasSubstr("listeners[0].via: is a header"),
            HasSubstr("listeners[0].trusted_proxies: is about headers"),
            HasSubstr("listeners[0].limits.connections: there are no connections in UDP")));
  EXPECT_EQ(faults_of(listener("protocol: udp, pool: p, allow: [10.0.0.0/8], deny: [10.1.0.0/16], "
                               "limits: {connections_per_client: 5, connection_rate: 9, client_connection_rate: 2}")),
            "");
  EXPECT_THAT(faults_of(listener("pool: p, udp: {expected_responses: 1}")),
              HasSubstr("listeners[0].udp: is for listeners with `protocol: udp`"));
  EXPECT_THAT(faults_of(listener("protocol: udp, pool: p, udp: {max_flows: 0}")), HasSubstr("udp.max_flows"));
}

TEST(Validate, PoolsWithoutHttpDoNotStickByCookieOrHeader) {
  auto pool_of = [](std::string_view sticky, std::string_view listeners) {
    return fmt::format("pools: [{{name: p, sticky: {}}}]\nlisteners: [{}]\n", sticky, listeners);
  };
  std::string_view tcp = "{name: t, address: '*:1', protocol: tcp, pool: p}";
  std::string_view udp = "{name: u, address: '*:1', protocol: udp, pool: p}";
  std::string_view tls = "{name: s, address: '*:2', protocol: tls, routes: [{match: {host: a.b}, pool: p}]}";
  std::string_view http = "{name: h, address: '*:3', routes: [{match: {path: /}, pool: p}]}";
  std::string_view cookie = "{type: cookie}";
  EXPECT_THAT(
      faults_of(pool_of(cookie, tcp)),
      HasSubstr("pools[0].sticky.type: 'cookie' knows clients by their HTTP requests, which the tcp listener 't' "
                "does not see; use source_ip, or remove it"));
  EXPECT_THAT(faults_of(pool_of("{type: header, name: x-a}", udp)),
              HasSubstr("'header' knows clients by their HTTP requests, which the udp listener 'u'"));
  EXPECT_THAT(faults_of(pool_of(cookie, tls)), HasSubstr("the tls listener 's'"));
  EXPECT_EQ(faults_of(pool_of(cookie, fmt::format("{}, {}, {}", tcp, tls, http))), "") << "HTTP shares it";
  EXPECT_EQ(faults_of(pool_of(cookie, "")), "") << "nobody uses it yet";
  EXPECT_EQ(faults_of(pool_of("{type: source_ip}", fmt::format("{}, {}", tcp, tls))), "");
}

TEST(Validate, TcpAndUdpHavePortsOfTheirOwn) {
  EXPECT_EQ(faults_of("pools: [{name: p}]\nlisteners: [{name: a, address: '*:53', pool: p}, "
                      "{name: b, address: '*:53', protocol: udp, pool: p}]"),
            "");
  EXPECT_THAT(faults_of("pools: [{name: p}]\nlisteners: [{name: a, address: '*:53', protocol: udp, pool: p}, "
                        "{name: b, address: '0.0.0.0:53', protocol: udp, pool: p}]"),
              HasSubstr("listeners[1].address: '0.0.0.0:53' is taken by a"));
}

TEST(Validate, ChecksHostsOfBackends) {
  for (std::string_view bad : {"10.0.0.300", "1.2.3", "a..b", "-a", "a b", "http://a", "a_/b", "1:2:3", "''"}) {
    EXPECT_THAT(faults_of(with_backend(fmt::format("{{host: '{}', port: 80}}", bad == "''" ? "" : bad))),
                HasSubstr("is neither an IP address nor a host name"))
        << bad;
  }
  for (std::string_view good :
       {"10.0.0.1", "::1", "fe80::1", "app", "app.example.", "my_app", "xn--bcher-kva.example"}) {
    EXPECT_EQ(faults_of(with_backend(fmt::format("{{host: '{}', port: 80}}", good))), "") << good;
  }
}

TEST(Validate, ChecksIdsAndPathsOfBackends) {
  EXPECT_THAT(faults_of(with_backend("{id: 'a/b', host: a, port: 80}")), HasSubstr("backends[0].id: must be letters"));
  EXPECT_THAT(faults_of(with_backend("{host: a, port: 80, health_check_path: health}")),
              HasSubstr("health_check_path: must begin with '/'"));
  EXPECT_THAT(faults_of(with_backend("{host: a, port: 80, weight: 1001}")),
              HasSubstr("weight: must be a whole number"));
}

TEST(Validate, ChecksAddressesOfListeners) {
  for (std::string_view good : {"0.0.0.0:80", "'*:80'", "'[::]:80'", "127.0.0.1:0", "':80'"}) {
    EXPECT_EQ(faults_of(fmt::format("listeners: [{{name: l, address: {}}}]", good)), "") << good;
  }
  for (std::string_view bad :
       {"localhost:80", "80", "'*'", "'*:'", "'*:65536'", "'::1:80'", "1.2.3.4", "'[::]'", "''"}) {
    EXPECT_THAT(faults_of(fmt::format("listeners: [{{name: l, address: {}}}]", bad)),
                HasSubstr("no address to listen on"))
        << bad;
  }
}

TEST(Validate, FindsListenersWithTheSameAddress) {
  auto fault = [](std::string_view a, std::string_view b) {
    return faults_of(fmt::format("listeners: [{{name: a, address: '{}'}}, {{name: b, address: '{}'}}]", a, b));
  };
  for (auto [a, b] : std::vector<std::pair<std::string_view, std::string_view>>{{"0.0.0.0:80", "0.0.0.0:80"},
                                                                                {"*:80", ":80"},
                                                                                {"*:80", "0.0.0.0:80"},
                                                                                {"[::]:80", "*:80"},
                                                                                {"[::1]:80", "[0:0::1]:80"},
                                                                                {"0.0.0.0:80", "127.0.0.1:80"},
                                                                                {"127.0.0.1:80", "*:80"}}) {
    EXPECT_THAT(fault(a, b), HasSubstr("is taken by a; every listener needs its own address or port")) << a << b;
  }
  for (auto [a, b] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"0.0.0.0:80", "0.0.0.0:81"}, {"0.0.0.0:80", "[::]:80"}, {"0.0.0.0:80", "[::1]:80"}, {"*:0", "*:0"}}) {
    EXPECT_EQ(fault(a, b), "") << a << b;
  }
  for (const char* address : {"127.0.0.1:9090", "*:9090"}) {
    std::string file = fmt::format("listeners: [{{name: a, address: '{}'}}]", address);
    EXPECT_THAT(faults_of(file), HasSubstr("is taken by the admin API"));
  }
}

TEST(Validate, RefusesProtocolsThatAreNotSpoken) {
  EXPECT_THAT(faults_of(listener("protocol: htp")), HasSubstr("'htp' is not one of http, https, tcp, tls, udp"));
}

TEST(Validate, WantsOfATcpListenerItsPoolAndNothingOfHttp) {
  EXPECT_THAT(faults_of(listener("protocol: tcp")), HasSubstr("listeners[0].pool: is missing"));
  std::string_view routes = "protocol: tcp, routes: [{match: {path: /}, respond: {status: 200}}]";
  EXPECT_THAT(faults_of(listener(routes)), HasSubstr("listeners[0].routes: a tcp listener sees no requests to route"));
}

TEST(Validate, WantsOfATlsListenerNamesAndPoolsOnly) {
  EXPECT_THAT(faults_of(listener("protocol: tls")), HasSubstr("needs routes by server name"));
  std::string_view path = "protocol: tls, routes: [{match: {path: /}, respond: {status: 200}}]";
  EXPECT_THAT(faults_of(listener(path)), HasSubstr("it matches host, alpn and client only"));
  EXPECT_THAT(faults_of(listener(path)), HasSubstr("names a pool and changes nothing"));
  std::string_view alpn = "routes: [{match: {alpn: [h2]}, respond: {status: 200}}]";
  EXPECT_THAT(faults_of(listener(alpn)), HasSubstr("routes[0].match.alpn: is matched on tls listeners only"));
}

TEST(Validate, WantsTrustedProxiesWherePROXYHeadersAreRead) {
  EXPECT_THAT(faults_of(listener("proxy_protocol: required")), HasSubstr("needs trusted_proxies"));
  EXPECT_EQ(faults_of(listener("proxy_protocol: required, trusted_proxies: [10.0.0.0/8]")), "");
}

TEST(Validate, ChecksHostPatterns) {
  for (std::string_view bad : {"a.example:80", "*", "*.", "a.*.example", "*a.example", "a b", "''", "-x.example"}) {
    EXPECT_THAT(of_route(fmt::format("match: {{host: [ok.example, '{}']}}, pool: p", bad == "''" ? "" : bad)),
                HasSubstr("match.host[1]: "))
        << bad;
  }
  for (std::string_view good : {"a.example", "*.example", "localhost", "10.0.0.1", "A.Example"}) {
    EXPECT_EQ(of_route(fmt::format("match: {{host: '{}'}}, pool: p", good)), "") << good;
  }
}

TEST(Validate, ChecksPathsOfMatches) {
  EXPECT_THAT(of_route("match: {path: x}, pool: p"), HasSubstr("match.path: must begin with '/'"));
  EXPECT_THAT(of_route("match: {path_prefix: '/a?b'}, pool: p"), HasSubstr("match.path_prefix: must begin with '/'"));
  EXPECT_THAT(of_route("match: {path: /a, path_prefix: /b}, pool: p"), HasSubstr("more than one of path, path_prefix"));
}

TEST(Validate, CompilesExpressions) {
  EXPECT_THAT(
      of_route("match: {path_regex: '/(a'}, pool: p"),
      AllOf(HasSubstr("match.path_regex: route 'l/1': '/(a' is no RE2 expression: missing )"), HasSubstr("t.yaml:6:")));
  EXPECT_THAT(of_route("match: {header: {x-a: {regex: '['}}}, pool: p"),
              HasSubstr("match.header.x-a: route 'l/1': '[' is no RE2"));
  EXPECT_THAT(of_route("match: {query: {a: {regex: '*'}}}, pool: p"),
              HasSubstr("match.query.a: route 'l/1': '*' is no RE2"));
  EXPECT_THAT(of_route("rewrite: {path_regex: '(?=a)'}, pool: p"), HasSubstr("rewrite.path_regex: "));
}

TEST(Validate, ChecksMethods) {
  EXPECT_THAT(of_route("match: {method: get}, pool: p"), HasSubstr("match.method[0]: methods are case-sensitive"));
  EXPECT_THAT(of_route("match: {method: 'G ET'}, pool: p"), HasSubstr("is no method name"));
}

TEST(Validate, ChecksRewrites) {
  EXPECT_THAT(of_route("pool: p, rewrite: {path_prefix: /x}"), HasSubstr("but the match has none"));
  EXPECT_THAT(of_route("pool: p, match: {path_prefix: /a}, rewrite: {path_prefix: x}"),
              HasSubstr("must begin with '/'"));
  EXPECT_THAT(of_route("pool: p, match: {path_prefix: /a}, rewrite: {path_prefix: /x, path_regex: a}"),
              HasSubstr("has both path_prefix and path_regex"));
  EXPECT_THAT(of_route("pool: p, rewrite: {substitution: x}"), HasSubstr("needs path_regex"));
  EXPECT_THAT(of_route("pool: p, rewrite: {path_regex: '(a)', substitution: '\\2'}"),
              HasSubstr("does not fit path_regex"));
  EXPECT_THAT(of_route("respond: 200, rewrite: {host: a}"), HasSubstr("but the route has no pool"));
  EXPECT_THAT(of_route("pool: p, rewrite: {host: 'a b'}"), HasSubstr("rewrite.host: 'a b' is no host"));
  EXPECT_EQ(of_route("pool: p, rewrite: {path_regex: '^/(a)', substitution: '/\\1/b', host: 'a.example:81'}"), "");
}

TEST(Validate, ChecksRedirects) {
  EXPECT_THAT(of_route("redirect: {to: /x, status: 300}"),
              HasSubstr("redirect.status: 300 redirects nowhere; use one of 301"));
  for (std::string_view bad : {"x", "ftp://a", "'/a b'", "javascript:a", "'/{hots}'", "'/{'", "'/{10}'"}) {
    EXPECT_THAT(of_route(fmt::format("redirect: {{to: {}}}", bad)), HasSubstr("redirect.to: ")) << bad;
  }
  for (std::string_view good : {"/x", "https://{host}{path}?{query}", "'{scheme}://a'", "'{path}/'", "'/{client}'"}) {
    EXPECT_EQ(
        of_route(fmt::format("redirect: {{to: '{}'}}", good.front() == '\'' ? good.substr(1, good.size() - 2) : good)),
        "")
        << good;
  }
}

TEST(Validate, ChecksFixedResponses) {
  EXPECT_THAT(of_route("respond: 100"), HasSubstr("respond.status: must be a whole number from 200 to 599"));
  EXPECT_THAT(of_route("respond: {status: 204, body: x}"), HasSubstr("a response with status 204 has no body"));
  EXPECT_THAT(of_route("respond: {status: 205, body: x}"), HasSubstr("a response with status 205 has no body"));
  EXPECT_THAT(of_route("respond: {content_type: \"a\\r\\nb: c\"}"), HasSubstr("must be a media type"));
}

TEST(Validate, RefusesHeaderChangesThatAreWeirsOwn) {
  for (std::string_view name : {"Connection", "transfer-encoding", "Content-Length", "TE", "Upgrade", "Keep-Alive"}) {
    EXPECT_THAT(of_route(fmt::format("pool: p, request_headers: {{set: {{{}: a}}}}", name)),
                HasSubstr("belongs to the connection or the framing"));
    EXPECT_THAT(of_route(fmt::format("pool: p, response_headers: {{remove: {}}}", name)),
                HasSubstr("response_headers.remove[0]: "));
  }
  EXPECT_THAT(of_route("pool: p, request_headers: {add: {Host: a}}"), HasSubstr("changed with rewrite.host"));
}

TEST(Validate, ChecksHeaderNamesAndValues) {
  EXPECT_THAT(of_route("pool: p, request_headers: {set: {'a b': c}}"), HasSubstr("'a b' is no header name"));
  EXPECT_THAT(of_route("pool: p, request_headers: {set: {a: \"b\\r\\nc: d\"}}"), HasSubstr("has no control bytes"));
  EXPECT_THAT(of_route("pool: p, request_headers: {set: {a: ' b'}}"), HasSubstr("no white space at its ends"));
  EXPECT_THAT(of_route("pool: p, match: {header: {'a:': b}}"), HasSubstr("is no header name"));
  EXPECT_THAT(of_route("pool: p, match: {header: {a: \"\\x01\"}}"), HasSubstr("no control bytes"));
}

TEST(Validate, ChecksHealthCheckTimes) {
  EXPECT_THAT(faults_of(with_pool("health_check: {interval: 1s, fast_interval: 2s, timeout: 3s}")),
              AllOf(HasSubstr("fast_interval: 2s is longer than interval (1s)"), HasSubstr("timeout: 3s is longer")));
  EXPECT_EQ(faults_of(with_pool("health_check: {enabled: false, interval: 1s, fast_interval: 2s}")), "");
  EXPECT_THAT(faults_of(with_pool("health_check: {healthy_threshold: 0}")), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(faults_of(with_pool("health_check: {jitter: 60%}")), HasSubstr("from 0 to 0.5"));
}

TEST(Validate, RefusesAnAdminApiThatAnyoneReaches) {
  for (std::string_view address : {"0.0.0.0:9090", "'[::]:9090'", "10.0.0.1:9090"}) {
    EXPECT_THAT(faults_of(fmt::format("admin: {{listen: {}}}", address)), HasSubstr("is not a loopback address"));
  }
  std::string tokens = fmt::format("tokens: [{{name: a, role: admin, sha256: {}}}]", std::string(64, 'a'));
  EXPECT_EQ(faults_of(fmt::format("admin: {{listen: 0.0.0.0:9090, {}}}", tokens)), "");
  for (std::string_view good : {"127.0.0.1:1", "'[::1]:1'", "unix:/run/weir.sock"}) {
    EXPECT_EQ(faults_of(fmt::format("admin: {{listen: {}}}", good)), "") << good;
  }
  for (std::string_view bad : {"localhost:9090", "'9090'", "unix:relative", "'unix:'"}) {
    EXPECT_THAT(faults_of(fmt::format("admin: {{listen: {}}}", bad)), HasSubstr("admin.listen: ")) << bad;
  }
}

TEST(Validate, ChecksTokens) {
  EXPECT_THAT(faults_of("admin: {tokens: [{name: a, sha256: abc}]}"),
              HasSubstr("tokens[0].sha256: must be the 64 hex"));
  EXPECT_THAT(faults_of(fmt::format("admin: {{tokens: [{{name: a, sha256: '{}g'}}]}}", std::string(63, '1'))),
              HasSubstr("must be the 64 hexadecimal digits"));
  EXPECT_THAT(faults_of("admin: {tokens: [{name: a, role: root}]}"),
              AllOf(HasSubstr("'root' is not one of viewer, operator, admin"), HasSubstr("key 'sha256' is missing")));
  std::string one = fmt::format("{{name: a, sha256: '{}'}}", std::string(64, '1'));
  EXPECT_THAT(faults_of(fmt::format("admin: {{tokens: [{0}, {0}]}}", one)), HasSubstr("another token has this name"));
}

std::string fault_of_log(std::string_view format) {
  auto checked = check_log_format(format);
  return checked ? "" : checked.error();
}

TEST(Validate, ChecksAccessLogFormats) {
  EXPECT_EQ(fault_of_log("json"), "");
  EXPECT_EQ(fault_of_log("combined"), "");
  EXPECT_EQ(fault_of_log("%{client} \"%{method} %{target}\" %{status} 100%"), "");
  for (std::string_view field : kLogFieldNames) EXPECT_EQ(fault_of_log(fmt::format("%{{{}}}", field)), "");
  EXPECT_THAT(fault_of_log("%{statsu}"), HasSubstr("unknown field %{statsu}; did you mean 'status'?"));
  EXPECT_THAT(fault_of_log("%{client} %{status"), HasSubstr("is not closed with }"));
  EXPECT_THAT(fault_of_log("jsn"), HasSubstr("neither json nor combined"));
  EXPECT_THAT(fault_of_log("%{client}\n"), HasSubstr("control bytes"));
  EXPECT_THAT(fault_of_log("%{}"), HasSubstr("unknown field %{}"));
  EXPECT_THAT(faults_of("access_log: {format: '%{x}'}"), HasSubstr("t.yaml:1:22: access_log.format: unknown field"));
}

TEST(Validate, ChecksTheSettingsOfHttp2AndGrpc) {
  EXPECT_EQ(faults_of(listener("http2: true")), "");
  EXPECT_EQ(faults_of(listener("http2: {enabled: true, max_streams: 10, max_connection_age: 10m}")), "");
  EXPECT_THAT(faults_of(listener("http2: {stream_window: 2MB}")), HasSubstr("is smaller than stream_window"));
  EXPECT_THAT(faults_of(listener("protocol: tcp, http2: true")), HasSubstr("http2: is for listeners that speak HTTP"));
  EXPECT_EQ(faults_of(listener("max_connection_age: 10m, max_connection_age_jitter: 0.2")), "");
  EXPECT_THAT(faults_of(listener("max_connection_age_jitter: 0.6")), HasSubstr("max_connection_age_jitter"));
  EXPECT_THAT(faults_of(listener("protocol: tcp, max_connection_age: 1m")),
              HasSubstr("max_connection_age: asks clients by HTTP, which a tcp listener does not speak"));
  EXPECT_EQ(faults_of(listener("min_rate: {bytes_per_second: 1KB, grace: 5s}")), "");
  EXPECT_THAT(faults_of(listener("min_rate: {grace: 0s}")), HasSubstr("min_rate.grace"));
  EXPECT_THAT(faults_of(listener("protocol: tcp, min_rate: off")),
              HasSubstr("min_rate: is about bodies of HTTP, which a tcp listener does not speak"));
  EXPECT_EQ(faults_of(listener("timeouts: {websocket: 10m}")), "");
  EXPECT_THAT(faults_of("timeouts: {websocket: 0s}"), HasSubstr("timeouts.websocket"));
  EXPECT_EQ(faults_of(with_pool("protocol: h2, grpc: {fine_statuses: [OK, ABORTED]}")), "");
  EXPECT_THAT(faults_of(with_pool("grpc: {fine_statuses: [Fine]}")),
              HasSubstr("'Fine' is no gRPC status; known are OK"));
}

TEST(Validate, NamesTheObjectAtFaultInAConfigurationOfSeveralSources) {
  Config config = must_read("pools: [{name: a}]");
  Pool second = *read_pool(R"({"name": "a", "backends": []})", test_kinds());
  config.pools.push_back(second);
  EXPECT_EQ(faults_text(validate(config, test_kinds())),
            "api: pools[1].name: another pool is called 'a' (t.yaml:1); names of pools must differ\n");
}

TEST(Validate, ChecksEveryObjectByItself) {
  EXPECT_THAT(faults_text(validate(Pool{})), HasSubstr("name: must be"));
  EXPECT_THAT(faults_text(validate(Listener{})), HasSubstr("address: ''"));
  EXPECT_THAT(faults_text(validate(Route{})), HasSubstr("must have exactly one of"));
  EXPECT_THAT(faults_text(validate(Backend{})), HasSubstr("port: must be from 1 to 65535"));
}

TEST(Validate, DoesNotRepeatWhatCouldNotBeRead) {
  EXPECT_EQ(faults_of("pools: [{name: [a]}]\n"), "t.yaml:1:16: pools[0].name: must be a string, not a list\n");
  EXPECT_EQ(faults_of(with_backend("{host: {}, port: 80}")),
            "t.yaml:4:12: pools[0].backends[0].host: must be a string, not a map\n");
}

}  // namespace
}  // namespace weir::config
