#include "tests/unit/http/heads.h"

namespace weir::http {
namespace {

using Kind = BodyFraming::Kind;

TEST(StatusLine, IsSplitIntoVersionStatusAndReason) {
  Response response = parse_response("HTTP/1.1 404 Not Found at all\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(response.complete()) << response.parsed.what;
  EXPECT_EQ(response.parsed.consumed, response.bytes.size() - 3);
  EXPECT_EQ(response.head.status, 404);
  EXPECT_EQ(response.head.reason, "Not Found at all");
  EXPECT_EQ(response.head.version, Version::http_1_1);
  EXPECT_EQ(response.head.body, (BodyFraming{Kind::length, 3}));
}

TEST(StatusLine, MayLackTheReason) {
  for (const char* line : {"HTTP/1.1 200\r\n", "HTTP/1.1 200 \r\n", "HTTP/1.0 200\r\n"}) {
    Response response = parse_response(std::string(line) + "\r\n");
    EXPECT_TRUE(response.complete()) << line;
    EXPECT_EQ(response.head.status, 200);
    EXPECT_EQ(response.head.reason, "");
  }
}

TEST(StatusLine, IsRefusedWhen) {
  using namespace std::string_literals;
  const std::string lines[] = {
      "HTTP/1.1 99 X\r\n",
      "HTTP/1.1 099 X\r\n",
      "HTTP/1.1 600 X\r\n",
      "HTTP/1.1 2000 X\r\n",
      "HTTP/1.1 20 X\r\n",
      "HTTP/1.1 2x0 X\r\n",
      "HTTP/1.1 -20 X\r\n",
      "HTTP/1.1  200 OK\r\n",
      "HTTP/1.1\t200 OK\r\n",
      "HTTP/1.1 200\tOK\r\n",
      "HTTP/1.1 200OK\r\n",
      "HTTP/1.1\r\n",
      "HTTP/2 200\r\n",
      "HTTP/2.0 200 OK\r\n",
      "HTTP/0.9 200 OK\r\n",
      "http/1.1 200 OK\r\n",
      "ICY 200 OK\r\n",
      "200 OK\r\n",
      "\r\nHTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200 OK\n",
      "HTTP/1.1 200 O\rK\r\n",
      "HTTP/1.1 200 O\0K\r\n"s,
      "HTTP/1.1 200 O\x01K\r\n",
      "HTTP/1.1 200 OK\r\r\n",
      " HTTP/1.1 200 OK\r\n",
      "<html>",
      "\x15\x03\x01",
      "HTTP/1.1 200\n",
      "HTTP/1.1 200\rOK\r\n",
  };
  for (const std::string& line : lines) EXPECT_EQ(parse_response(line).refusal(), 502) << line;
}

TEST(StatusLine, OfAHigherMinorVersionIsThatOfHttp11) {
  Response response = parse_response("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(response.complete());
  EXPECT_EQ(response.head.version, Version::http_1_1);
}

TEST(ResponseFields, LoseWhiteSpaceBeforeTheColon) {
  for (const char* line : {"Content-Length : 5\r\n", "Content-Length \t : 5\r\n", "Content-Length\t:5\r\n"}) {
    Response response = parse_response("HTTP/1.1 200 OK\r\n" + std::string(line) + "Server : x\r\n\r\n");
    ASSERT_TRUE(response.complete()) << line;
    ASSERT_EQ(response.head.headers.size(), 2u);
    EXPECT_EQ(response.head.headers[0].name, "Content-Length");
    EXPECT_EQ(response.head.headers[1].value, "x");
    EXPECT_EQ(response.head.body, (BodyFraming{.kind = BodyFraming::Kind::length, .length = 5}));
  }
}

TEST(ResponseFields, AreAsStrictAsThoseOfRequests) {
  for (const char* lines : {"A b: c\r\n",
                            "A \r\n",
                            " : b\r\n",
                            ": b\r\n",
                            "A: b\r\n c\r\n",
                            " A: b\r\n",
                            "A\r\n",
                            "A: b\nC: d\r\n",
                            "A: b\rc\r\n",
                            "A: \x01\r\n",
                            "A(: b\r\n",
                            "Content-Length: 1\r\nContent-Length: 2\r\n",
                            "Content-Length: 1\r\nContent-Length: 1\r\n",
                            "Content-Length: 1, 1\r\n",
                            "Content-Length: +1\r\n",
                            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: gzip\r\n",
                            "Transfer-Encoding: gzip, chunked\r\n",
                            "Transfer-Encoding: chunked, gzip\r\n",
                            "Transfer-Encoding: identity\r\n",
                            "Transfer-Encoding: chunked, chunked\r\n"}) {
    EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n").refusal(), 502) << lines;
    EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n", "HEAD").refusal(), 502) << lines;
  }
  EXPECT_EQ(parse_response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").refusal(), 502);
}

TEST(ResponseFields, OfRequestsMeanNothing) {
  EXPECT_TRUE(parse_response("HTTP/1.1 200 OK\r\nHost: ,\r\nHost: b\r\nExpect: x\r\nUpgrade: h2c\r\n\r\n").complete());
}

TEST(ResponseHead, HasLimits) {
  HeadLimits limits{.start_line_bytes = 30, .head_bytes = 60, .header_count = 2};
  EXPECT_TRUE(parse_response("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n", "GET", limits).complete());
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", "GET", limits).refusal(), 431);
  EXPECT_EQ(parse_response("HTTP/1.1 200 " + std::string(16, 'x') + "\r\n\r\n", "GET", limits).refusal(), 431);
  EXPECT_TRUE(parse_response("HTTP/1.1 200 " + std::string(15, 'x') + "\r\n\r\n", "GET", limits).complete());
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\nA: " + std::string(60, 'x') + "\r\n\r\n", "GET", limits).refusal(), 431);
}

struct Case {
  const char* method;
  int status;
  const char* fields;
  BodyFraming body;
  bool keep_alive;
};

TEST(ResponseFraming, FollowsFromMethodStatusAndFields) {
  constexpr const char* kLength = "Content-Length: 7\r\n";
  constexpr const char* kChunked = "Transfer-Encoding: chunked\r\n";
  const Case cases[] = {
      {"GET", 200, "", {Kind::until_close, 0}, false},
      {"GET", 200, kLength, {Kind::length, 7}, true},
      {"GET", 200, "Content-Length: 0\r\n", {Kind::length, 0}, true},
      {"GET", 200, kChunked, {Kind::chunked, 0}, true},
      {"GET", 404, kLength, {Kind::length, 7}, true},
      {"GET", 200, "Content-Length: 7\r\nConnection: close\r\n", {Kind::length, 7}, false},
      {"HEAD", 200, "", {Kind::none, 0}, true},
      {"HEAD", 200, kLength, {Kind::none, 0}, true},
      {"HEAD", 200, kChunked, {Kind::none, 0}, true},
      {"HEAD", 500, kLength, {Kind::none, 0}, true},
      {"GET", 304, kLength, {Kind::none, 0}, true},
      {"GET", 304, kChunked, {Kind::none, 0}, true},
      {"GET", 204, "", {Kind::none, 0}, true},
      {"GET", 204, "Content-Length: 0\r\n", {Kind::none, 0}, true},
      {"GET", 204, kLength, {Kind::none, 0}, false},
      {"GET", 204, kChunked, {Kind::none, 0}, false},
      {"GET", 100, "", {Kind::none, 0}, true},
      {"GET", 101, "Upgrade: websocket\r\n", {Kind::none, 0}, true},
      {"GET", 103, kLength, {Kind::none, 0}, false},
      {"CONNECT", 200, "", {Kind::none, 0}, true},
      {"CONNECT", 299, kLength, {Kind::none, 0}, true},
      {"CONNECT", 200, kChunked, {Kind::none, 0}, true},
      {"CONNECT", 403, kLength, {Kind::length, 7}, true},
      {"connect", 200, kLength, {Kind::length, 7}, true},
      {"head", 200, kLength, {Kind::length, 7}, true},
  };
  for (const Case& c : cases) {
    Response response = parse_response("HTTP/1.1 " + std::to_string(c.status) + " X\r\n" + c.fields + "\r\n", c.method);
    ASSERT_TRUE(response.complete()) << c.method << c.status << c.fields << response.parsed.what;
    EXPECT_EQ(response.head.body, c.body) << c.method << c.status << c.fields;
    EXPECT_EQ(response.head.keep_alive, c.keep_alive) << c.method << c.status << c.fields;
  }
}

TEST(ResponseFraming, OfHttp10ClosesUnlessItSaysOtherwise) {
  EXPECT_FALSE(parse_response("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(parse_response("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(parse_response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n").head.keep_alive);
}

}  // namespace
}  // namespace weir::http
