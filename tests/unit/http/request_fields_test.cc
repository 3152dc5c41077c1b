#include "tests/unit/http/heads.h"

namespace weir::http {
namespace {

TEST(RequestFields, AreKeptInOrderWithTrimmedValues) {
  Request request = parse_request(
      "GET / HTTP/1.1\r\nHost: a\r\nX-One:1\r\nX-Two: \t two words \t\r\nX-Empty:\r\nx-one:  again\r\nX-Blank:   "
      "\r\n\r\n");
  ASSERT_TRUE(request.complete()) << request.parsed.what;
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"Host", "a"}, {"X-One", "1"}, {"X-Two", "two words"}, {"X-Empty", ""}, {"x-one", "again"}, {"X-Blank", ""}};
  ASSERT_EQ(request.head.headers.size(), std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(request.head.headers[i].name, expected[i].first);
    EXPECT_EQ(request.head.headers[i].value, expected[i].second);
  }
}

TEST(RequestFields, MayHoldBytesAbove0x7fAndTabsInValues) {
  Request request = parse_with_fields("X-A: caf\xc3\xa9\tau lait \xff\r\n");
  ASSERT_TRUE(request.complete());
  EXPECT_EQ(value_of(request.head.headers, "x-a"), "caf\xc3\xa9\tau lait \xff");
}

TEST(RequestFields, MayHaveAnyTokenAsName) {
  Request request = parse_with_fields("!#$%&'*+-.^_`|~09azAZ: x\r\nA_name_of_more_than_sixteen_bytes: y\r\n");
  ASSERT_TRUE(request.complete()) << request.parsed.what;
  EXPECT_EQ(value_of(request.head.headers, "!#$%&'*+-.^_`|~09AZaz"), "x");
  EXPECT_EQ(value_of(request.head.headers, "a_name_of_more_than_sixteen_bytes"), "y");
}

TEST(RequestFields, AreRefusedWhen) {
  using namespace std::string_literals;
  const std::pair<const char*, std::string> cases[] = {
      {"the name is empty", ": x\r\n"},
      {"white space stands before the colon", "X-A : x\r\n"},
      {"a tab stands before the colon", "X-A\t: x\r\n"},
      {"a line is folded with a space", "X-A: x\r\n y\r\n"},
      {"a line is folded with a tab", "X-A: x\r\n\ty\r\n"},
      {"a folded line is blank", "X-A: x\r\n \r\n"},
      {"a line has no colon", "X-A\r\n"},
      {"the name holds a space", "X A: x\r\n"},
      {"the name holds a control byte", "X\x01: x\r\n"},
      {"the name holds NUL", "X\0A: x\r\n"s},
      {"the name holds a byte above 0x7f", "X\xe9: x\r\n"},
      {"the name holds a delimiter", "X(A): x\r\n"},
      {"the name holds a quote", "\"X\": x\r\n"},
      {"the name holds a slash", "X/A: x\r\n"},
      {"the name holds '@', next to the letters", "X@: x\r\n"},
      {"the name holds '[', next to the letters", "X[: x\r\n"},
      {"the name holds '{', next to the letters", "X{: x\r\n"},
      {"a bare LF ends a line", "X-A: x\nX-B: y\r\n"},
      {"a bare LF ends a name", "X-A\n: y\r\n"},
      {"a bare LF stands for the empty line", "X-A: x\r\n\n"},
      {"a bare CR stands in a value", "X-A: x\rX-B: y\r\n"},
      {"a bare CR ends a value", "X-A: x\r\r\n"},
      {"a bare CR stands for the empty line", "X-A: x\r\n\rX"},
      {"the value holds NUL", "X-A: x\0y\r\n"s},
      {"the value holds a control byte", "X-A: x\x02y\r\n"},
      {"the value holds vertical tab", "X-A: \x0bx\r\n"},
      {"the value holds DEL", "X-A: x\x7fy\r\n"},
      {"the value holds an escape in its 20th byte", "X-A: 0123456789012345678\x1by\r\n"},
  };
  for (const auto& [name, lines] : cases) {
    Request request = parse_with_fields(lines);
    EXPECT_EQ(request.refusal(), 400) << name;
  }
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\n Host: a\r\n\r\n").refusal(), 400) << "white space before the first field";
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n").refusal(), 400);
}

TEST(RequestFields, RefuseEveryByteThatMayNotStandInANameOrValueAtAnyPlace) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool token = std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos ||
                       (byte < 128 && std::isalnum(byte) != 0);
    const bool text = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    for (std::size_t place : {0u, 7u, 15u, 16u, 31u, 40u}) {
      std::string name(41, 'n');
      std::string value(42, 'v');
      name[place] = c;
      value[place + 1] = c;
      RequestHead head;
      std::string with_name = "GET / HTTP/1.1\r\nHost: a\r\n" + name + ": v\r\n\r\n";
      std::string with_value = "GET / HTTP/1.1\r\nHost: a\r\nn: " + value + "\r\n\r\n";
      const bool colon = c == ':' && place != 0;
      EXPECT_EQ(parse_request_head(with_name, {}, head).state == Parsed::State::complete, token || colon)
          << byte << " at " << place;
      EXPECT_EQ(parse_request_head(with_value, {}, head).state == Parsed::State::complete, text)
          << byte << " at " << place;
    }
  }
}

TEST(RequestFields, HaveALimitOnTheirNumber) {
  HeadLimits limits{.header_count = 3};
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n";
  EXPECT_TRUE(parse_request(start + "\r\n", limits).complete());
  EXPECT_EQ(parse_request(start + "C: 3\r\n\r\n", limits).refusal(), 431);
}

TEST(RequestFields, HaveALimitOnTheSizeOfTheHead) {
  HeadLimits limits{.head_bytes = 100};
  auto head_of = [](std::size_t bytes) {
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_TRUE(parse_request(head_of(100), limits).complete());
  EXPECT_TRUE(parse_request(head_of(100) + "a body behind it", limits).complete());
  EXPECT_EQ(parse_request(head_of(101), limits).refusal(), 431);
  EXPECT_EQ(parse_request(head_of(1000), limits).refusal(), 431);
  EXPECT_EQ(parse_request(head_of(101) + "\x01", limits).refusal(), 431) << "what lies beyond is not looked at";
}

TEST(HeaderMap, FindsTheFirstFieldByNameOrIdIgnoringCase) {
  Request request = parse_with_fields("X-Custom: 1\r\nx-custom: 2\r\nACCEPT: text/plain\r\n");
  const HeaderMap& headers = request.head.headers;
  EXPECT_EQ(headers.find("x-CUSTOM")->value, "1");
  EXPECT_EQ(headers.find("Accept"), headers.find(HeaderId::accept));
  EXPECT_EQ(headers.find(HeaderId::accept)->value, "text/plain");
  EXPECT_EQ(headers.find("absent"), nullptr);
  EXPECT_EQ(headers.find(HeaderId::cookie), nullptr);
}

TEST(RequestHead, IsFilledAnewByEveryParse) {
  RequestHead head;
  ASSERT_EQ(parse_request_head("POST http://a/b?c HTTP/1.0\r\nContent-Length: 5\r\n\r\n", {}, head).state,
            Parsed::State::complete);
  ASSERT_EQ(parse_request_head("GET /x HTTP/1.1\r\nHost: h\r\n\r\n", {}, head).state, Parsed::State::complete);
  EXPECT_EQ(head.headers.size(), 1u);
  EXPECT_EQ(head.body, BodyFraming{});
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.has_query);
  EXPECT_EQ(head.scheme, "");
  EXPECT_EQ(head.version, Version::http_1_1);
}

}  // namespace
}  // namespace weir::http
