#include "tests/unit/http/heads.h"

namespace weir::http {
namespace {

TEST(RequestLine, IsSplitIntoMethodTargetAndVersion) {
  Request request = parse_request("PATCH /a/b?c=d&e HTTP/1.1\r\nHost: example.com:8080\r\n\r\n");
  ASSERT_TRUE(request.complete()) << request.parsed.what;
  EXPECT_EQ(request.parsed.consumed, request.bytes.size());
  EXPECT_EQ(request.head.method, "PATCH");
  EXPECT_EQ(request.head.target, "/a/b?c=d&e");
  EXPECT_EQ(request.head.form, TargetForm::origin);
  EXPECT_EQ(request.head.path, "/a/b");
  EXPECT_EQ(request.head.query, "c=d&e");
  EXPECT_TRUE(request.head.has_query);
  EXPECT_EQ(request.head.authority, "example.com:8080");
  EXPECT_EQ(request.head.version, Version::http_1_1);
}

TEST(RequestLine, TakesAnyTokenAsMethod) {
  for (const char* method : {"GET", "M-SEARCH", "get", "X!#$%&'*+-.^_`|~9", "VERSION-CONTROL-AND-SO-ON"}) {
    Request request = parse_request(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(request.complete()) << method;
    EXPECT_EQ(request.head.method, method);
  }
}

TEST(RequestLine, MayFollowOneEmptyLine) {
  Request request = parse_request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest");
  ASSERT_TRUE(request.complete());
  EXPECT_EQ(request.parsed.consumed, request.bytes.size() - 4);
  EXPECT_EQ(parse_request("\r\n\r\nGET / HTTP/1.1\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("\nGET / HTTP/1.1\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("\rGET / HTTP/1.1\r\n").refusal(), 400);
}

TEST(RequestLine, MeansTheHeadIsIncompleteUntilTheEmptyLine) {
  EXPECT_TRUE(parse_request("").incomplete());
  EXPECT_TRUE(parse_request("\r").incomplete());
  EXPECT_TRUE(parse_request("GET / HTTP/1.1\r\nHost: a\r\n\r").incomplete());
}

struct Case {
  const char* name;
  std::string line;
  int status;
};

TEST(RequestLine, IsRefusedWhen) {
  using namespace std::string_literals;
  const Case cases[] = {
      {"the method is empty", " / HTTP/1.1\r\n", 400},
      {"the method holds a byte that is no token", "G(T / HTTP/1.1\r\n", 400},
      {"the method holds a byte above 0x7f", "G\xc3\x89T / HTTP/1.1\r\n", 400},
      {"the method holds NUL", "G\0T / HTTP/1.1\r\n"s, 400},
      {"the method is followed by a tab", "GET\t/ HTTP/1.1\r\n", 400},
      {"there is only a method", "GET\r\n", 400},
      {"two spaces follow the method", "GET  / HTTP/1.1\r\n", 400},
      {"two spaces follow the target", "GET /  HTTP/1.1\r\n", 400},
      {"the target is empty", "GET  HTTP/1.1\r\n", 400},
      {"the target holds a space", "GET /a b HTTP/1.1\r\n", 400},
      {"the target holds a tab", "GET /a\tb HTTP/1.1\r\n", 400},
      {"the target holds a control byte", "GET /a\x01 HTTP/1.1\r\n", 400},
      {"the target holds DEL", "GET /a\x7f HTTP/1.1\r\n", 400},
      {"the target holds NUL", "GET /a\0b HTTP/1.1\r\n"s, 400},
      {"the target holds a byte above 0x7f", "GET /\xc3\xa9 HTTP/1.1\r\n", 400},
      {"the target holds a fragment", "GET /a#b HTTP/1.1\r\n", 400},
      {"the version is missing", "GET /\r\n", 400},
      {"the version is empty", "GET / \r\n", 400},
      {"the version is in lower case", "GET / http/1.1\r\n", 400},
      {"the version is another protocol", "GET / HTTQ/1.1\r\n", 400},
      {"the version has no minor number", "GET / HTTP/1\r\n", 400},
      {"the version has two digits before the dot", "GET / HTTP/11.1\r\n", 400},
      {"the version has two digits behind the dot", "GET / HTTP/1.10\r\n", 400},
      {"the version has a letter", "GET / HTTP/1.x\r\n", 400},
      {"the version is 0.9", "GET / HTTP/0.9\r\n", 505},
      {"the version is 2.0", "GET / HTTP/2.0\r\n", 505},
      {"the version is 3.0", "GET / HTTP/3.0\r\n", 505},
      {"it is the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"a space follows the version", "GET / HTTP/1.1 \r\n", 400},
      {"a bare LF ends it", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"a bare LF follows the target", "GET /\n", 400},
      {"a bare CR follows the version", "GET / HTTP/1.1\rHost", 400},
      {"a bare LF follows the method", "GET\n", 400},
      {"'*' is not for OPTIONS", "GET * HTTP/1.1\r\n", 400},
      {"CONNECT names a path", "CONNECT / HTTP/1.1\r\n", 400},
      {"CONNECT names no port", "CONNECT example.com HTTP/1.1\r\n", 400},
      {"CONNECT names a URL", "CONNECT http://example.com:80/ HTTP/1.1\r\n", 400},
      {"a bad escape is in the path", "GET /%zz HTTP/1.1\r\n", 400},
  };
  for (const Case& c : cases) {
    Request request = parse_request(c.line);
    EXPECT_EQ(request.refusal(), c.status) << c.name << ": " << request.parsed.what;
    EXPECT_STRNE(request.parsed.what, "") << c.name;
  }
}

TEST(RequestLine, IsRefusedAtTheFirstByteThatCannotBe) {
  EXPECT_EQ(parse_request("\x16\x03\x01").refusal(), 400) << "a TLS ClientHello";
  EXPECT_EQ(parse_request(std::string_view("\0\0\0\0", 4)).refusal(), 400);
  EXPECT_EQ(parse_request("{\"a\": 1}").refusal(), 400);
  EXPECT_EQ(parse_request("SSH-2.0-OpenSSH_9.2\r\n").refusal(), 400);
  EXPECT_EQ(parse_request("GET / HTTQ").refusal(), 400);
  EXPECT_EQ(parse_request("GET / HTTP/2").incomplete(), true);
  EXPECT_EQ(parse_request("GET / HTTP/2.0").refusal(), 505);
  EXPECT_EQ(parse_request("GET /\x80").refusal(), 400);
}

TEST(RequestLine, OfAHigherMinorVersionIsThatOfHttp11) {
  for (const char* version : {"HTTP/1.2", "HTTP/1.9"}) {
    Request request = parse_request("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(request.complete()) << request.parsed.what;
    EXPECT_EQ(request.head.version, Version::http_1_1);
    EXPECT_TRUE(request.head.keep_alive);
  }
}

TEST(RequestLine, SaysThatHttp2IsNotSpokenHere) {
  EXPECT_NE(std::string_view(parse_request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").parsed.what).find("HTTP/2"),
            std::string_view::npos);
}

TEST(RequestLine, HasALimit) {
  HeadLimits limits{.start_line_bytes = 40};
  auto request_of = [](std::size_t line_bytes) {  // with CRLF
    return "GET /" + std::string(line_bytes - 16, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_TRUE(parse_request(request_of(40), limits).complete());
  EXPECT_EQ(parse_request(request_of(41), limits).refusal(), 414);
  EXPECT_EQ(parse_request(request_of(400), limits).refusal(), 414);
  EXPECT_EQ(parse_request(std::string(40, 'A'), limits).refusal(), 414) << "a method without end";
  EXPECT_TRUE(parse_request(std::string(39, 'A'), limits).incomplete());
  EXPECT_TRUE(parse_request("\r\n" + request_of(40), limits).complete()) << "the empty line before it does not count";
  EXPECT_EQ(parse_request(request_of(41) + "\x01", limits).refusal(), 414) << "what lies beyond is not looked at";
}

}  // namespace
}  // namespace weir::http
