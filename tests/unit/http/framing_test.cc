#include "tests/unit/http/heads.h"

namespace weir::http {
namespace {

using Kind = BodyFraming::Kind;

TEST(RequestFraming, IsNoBodyLengthOrChunked) {
  EXPECT_EQ(parse_with_fields("").head.body, BodyFraming{});
  EXPECT_EQ(parse_with_fields("Content-Length: 0\r\n").head.body, (BodyFraming{Kind::length, 0}));
  EXPECT_EQ(parse_with_fields("content-length:\t42 \r\n").head.body, (BodyFraming{Kind::length, 42}));
  EXPECT_EQ(parse_with_fields("Content-Length: 9223372036854775807\r\n").head.body,
            (BodyFraming{Kind::length, INT64_MAX}));
  EXPECT_EQ(parse_with_fields("Transfer-Encoding: chunked\r\n").head.body, (BodyFraming{Kind::chunked, 0}));
  EXPECT_EQ(parse_with_fields("Transfer-Encoding: CHUNKED\r\n").head.body, (BodyFraming{Kind::chunked, 0}));
}

struct Case {
  std::string fields;
  int status;
};

TEST(RequestFraming, IsRefusedWhenTwoParsersCouldReadItDifferently) {
  const Case cases[] = {
      {"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
      {"Content-Length: 5, 5\r\n", 400},
      {"Content-Length: 5,\r\n", 400},
      {"Content-Length: +5\r\n", 400},
      {"Content-Length: -5\r\n", 400},
      {"Content-Length: -0\r\n", 400},
      {"Content-Length: 0x5\r\n", 400},
      {"Content-Length: 5 5\r\n", 400},
      {"Content-Length: 5\t5\r\n", 400},
      {"Content-Length: 5.0\r\n", 400},
      {"Content-Length: 5e1\r\n", 400},
      {"Content-Length: \"5\"\r\n", 400},
      {"Content-Length: \xd9\xa5\r\n", 400},
      {"Content-Length:\r\n", 400},
      {"Content-Length: abc\r\n", 400},
      {"Content-Length: 9223372036854775808\r\n", 400},
      {"Content-Length: 18446744073709551621\r\n", 400},
      {"Content-Length: 99999999999999999999999999\r\n", 400},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400},
      {"Transfer-Encoding: chunked, chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Transfer-Encoding: chunked, gzip\r\n", 400},
      {"Transfer-Encoding: chunked, identity\r\n", 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", 400},
      {"Transfer-Encoding: gzip\r\n", 501},
      {"Transfer-Encoding: gzip, chunked\r\n", 501},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501},
      {"Transfer-Encoding: identity\r\n", 501},
      {"Transfer-Encoding: identity, chunked\r\n", 501},
      {"Transfer-Encoding: xchunked\r\n", 501},
      {"Transfer-Encoding: chunkedx\r\n", 501},
      {"Transfer-Encoding:\r\n", 400},
      {"Transfer-Encoding: ,chunked\r\n", 400},
      {"Transfer-Encoding: chunked,\r\n", 400},
      {"Transfer-Encoding: chunked;q=1\r\n", 400},
      {"Transfer-Encoding: \"chunked\"\r\n", 400},
      {"Transfer-Encoding: chun ked\r\n", 400},
      {"Transfer-Encoding: \xa0"
       "chunked\r\n",
       400},
      {"Transfer-Encoding: \x0b"
       "chunked\r\n",
       400},
      {"Transfer-Encoding : chunked\r\n", 400},
      {"Transfer-Encoding\x01: chunked\r\n", 400},
  };
  for (const Case& c : cases) {
    Request request = parse_with_fields(c.fields);
    EXPECT_EQ(request.refusal(), c.status) << c.fields << request.parsed.what;
  }
}

TEST(RequestFraming, RefusesTransferEncodingInHttp10) {
  EXPECT_EQ(parse_request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").refusal(), 400);
}

TEST(RequestFraming, DoesNotMistakeUnderscoresForDashes) {
  Request request = parse_with_fields("Content_Length: 5\r\nTransfer_Encoding: x\r\n");
  ASSERT_TRUE(request.complete());
  EXPECT_EQ(request.head.body, BodyFraming{});
}

TEST(Host, IsNeededExactlyOnceInHttp11) {
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\n\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("GET http://a/ HTTP/1.1\r\n\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").refusal(), 400);
  Request old = parse_request("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.complete());
  EXPECT_EQ(old.head.authority, "");
}

TEST(Host, IsRefusedWhenItIsNoHostWithAnOptionalPort) {
  for (const char* host :
       {"",          "a:b",           ":",    ":80",        "a:80:80", "a:65536", "a:+1",   "a: 80",
        "user@a",    "user:secret@a", "a b",  "a,b",        "a/b",     "a?b",     "a#b",    "http://a",
        "a%41",      "a\\b",          "[::1", "::1",        "[::1]x",  "[]",      "[v1.a]", "[fe80::1%25eth0]",
        "[1.2.3.4]", "a\"b",          "<a>",  "\xc3\xa9.fr"}) {
    Request request = parse_request("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    EXPECT_EQ(request.refusal(), 400) << host;
  }
  for (const char* host : {"a", "a.b-c_d~e", "A:1", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:443", "a.", "a:0"}) {
    Request request = parse_request("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    EXPECT_TRUE(request.complete()) << host << request.parsed.what;
    EXPECT_EQ(request.head.authority, host);
  }
}

TEST(Host, WithAnEmptyPortIsTakenWithoutItsColon) {
  for (const char* host : {"example.com", "127.0.0.1", "[::1]"}) {
    Request request = parse_request("GET / HTTP/1.1\r\nHost: " + std::string(host) + ":\r\n\r\n");
    EXPECT_TRUE(request.complete()) << request.parsed.what;
    EXPECT_EQ(request.head.authority, host);
  }
  Request absolute = parse_request("GET http://a:/b HTTP/1.1\r\nHost: a:80\r\n\r\n");
  EXPECT_TRUE(absolute.complete());
  EXPECT_EQ(absolute.head.authority, "a");
  EXPECT_EQ(parse_request("CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n").refusal(), 400);
}

TEST(Host, MustAgreeWithTheTarget) {
  auto verdict = [](std::string_view target, std::string_view host, std::string_view method = "GET") {
    return parse_request(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) +
                         "\r\n\r\n");
  };
  EXPECT_TRUE(verdict("http://example.com/", "example.com").complete());
  EXPECT_TRUE(verdict("http://EXAMPLE.com/", "example.COM").complete());
  EXPECT_TRUE(verdict("http://example.com:80/", "example.com").complete());
  EXPECT_TRUE(verdict("https://example.com/", "example.com:443").complete());
  EXPECT_TRUE(verdict("http://[::1]:8080/", "[::1]:8080").complete());
  EXPECT_EQ(verdict("http://example.com/", "example.org").refusal(), 400);
  EXPECT_EQ(verdict("http://example.com/", "example.com:8080").refusal(), 400);
  EXPECT_EQ(verdict("http://example.com:8080/", "example.com").refusal(), 400);
  EXPECT_EQ(verdict("https://example.com/", "example.com:80").refusal(), 400);
  EXPECT_TRUE(verdict("example.com:8443", "example.com:8443", "CONNECT").complete());
  EXPECT_TRUE(verdict("example.com:8443", "example.com", "CONNECT").complete());
  EXPECT_EQ(verdict("example.com:8443", "example.com:80", "CONNECT").refusal(), 400);
  EXPECT_EQ(verdict("example.com:8443", "example.org:8443", "CONNECT").refusal(), 400);
  EXPECT_EQ(verdict("http://example.com/", "example.com").head.authority, "example.com");
  EXPECT_EQ(parse_request("GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("GET http://a/ HTTP/1.0\r\n\r\n").head.authority, "a");
}

TEST(KeepAlive, FollowsFromVersionAndConnection) {
  auto keeps = [](std::string_view version, std::string_view lines) {
    Request request =
        parse_request("GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(lines) + "\r\n");
    EXPECT_TRUE(request.complete()) << lines;
    return request.head.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: keep-alive\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection:\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: closed, x-close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "CONNECTION: Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, ,close ,y\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: keep-alive, close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.0", "Connection: keep-alive\r\nConnection: close\r\n"));
}

TEST(Connection, HasALimitedNumberOfOptions) {
  std::string options = "a";
  for (std::size_t i = 1; i < kMaxConnectionOptions; ++i) options += ",a";
  EXPECT_TRUE(parse_with_fields("Connection: " + options + "\r\n").complete());
  EXPECT_EQ(parse_with_fields("Connection: " + options + ",a\r\n").refusal(), 431);
  EXPECT_EQ(parse_with_fields("Connection: " + options + "\r\nConnection: a\r\n").refusal(), 431);
}

TEST(Expect, AsksForContinueOnlyInHttp11WithABody) {
  EXPECT_TRUE(parse_with_fields("Expect: 100-Continue\r\nContent-Length: 1\r\n").head.expects_continue);
  EXPECT_TRUE(parse_with_fields("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n").head.expects_continue);
  EXPECT_FALSE(parse_with_fields("Expect: 100-continue\r\n").head.expects_continue);
  EXPECT_FALSE(parse_with_fields("Expect: 100-continue\r\nContent-Length: 0\r\n").head.expects_continue);
  EXPECT_FALSE(parse_with_fields("Expect: other\r\nContent-Length: 1\r\n").head.expects_continue);
  EXPECT_FALSE(
      parse_request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").head.expects_continue);
}

TEST(Upgrade, IsWantedWhenConnectionNamesItAndThereIsOne) {
  Request request = parse_with_fields("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n");
  EXPECT_TRUE(request.head.wants_upgrade);
  EXPECT_EQ(request.head.upgrade, "websocket");
  for (const char* lines : {"Upgrade: websocket\r\n", "Connection: upgrade\r\n", "Connection: upgrade\r\nUpgrade:\r\n",
                            "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n"}) {
    Request refused = parse_with_fields(lines);
    EXPECT_TRUE(refused.complete());
    EXPECT_FALSE(refused.head.wants_upgrade) << lines;
    EXPECT_EQ(refused.head.upgrade, "") << lines;
  }
  EXPECT_FALSE(parse_request("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").head.wants_upgrade);
}

}  // namespace
}  // namespace weir::http
