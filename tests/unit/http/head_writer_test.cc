#include "http/head_writer.h"

#include "tests/unit/http/heads.h"

namespace weir::http {
namespace {

TEST(HeadWriter, WritesARequest) {
  char buffer[200];
  HeadWriter writer(buffer);
  writer.request_line("GET", "/a?b");
  writer.field("Host", "example.com");
  writer.field("Content-Length", std::uint64_t{1234567890123});
  writer.raw("X-A: 1\r\nX-B: 2\r\n");
  writer.end();
  EXPECT_FALSE(writer.overflowed());
  EXPECT_EQ(writer.text(),
            "GET /a?b HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1234567890123\r\nX-A: 1\r\nX-B: 2\r\n\r\n");
  EXPECT_EQ(writer.size(), writer.text().size());
}

TEST(HeadWriter, WritesAResponse) {
  char buffer[100];
  HeadWriter writer(buffer);
  writer.status_line(503, "Service Unavailable");
  writer.end();
  EXPECT_EQ(writer.text(), "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  HeadWriter without_reason(buffer);
  without_reason.status_line(299, "");
  EXPECT_EQ(without_reason.text(), "HTTP/1.1 299 \r\n");
}

TEST(HeadWriter, WritesTextOfEveryLength) {
  for (std::size_t length = 0; length < 100; ++length) {
    std::string value;
    for (std::size_t i = 0; i < length; ++i) value += static_cast<char>('!' + i % 90);
    std::vector<char> exact(value.begin(), value.end());
    exact.shrink_to_fit();
    std::vector<char> buffer(length + 5);
    HeadWriter writer(buffer);
    writer.field("N", std::string_view(exact.data(), exact.size()));
    EXPECT_EQ(writer.text(), "N: " + value + "\r\n");
    EXPECT_FALSE(writer.overflowed());
  }
}

TEST(HeadWriter, LeavesOutWhatDoesNotFitAndSaysSoFromThenOn) {
  std::vector<char> buffer(20);
  HeadWriter writer(buffer);
  writer.field("A", "123456");
  EXPECT_EQ(writer.size(), 11u);
  writer.field("A", "12345");
  EXPECT_TRUE(writer.overflowed());
  writer.field("A", "");
  writer.end();
  EXPECT_TRUE(writer.overflowed());
  EXPECT_EQ(writer.text(), "A: 123456\r\n");
}

TEST(HeadWriter, CannotWriteIntoNothing) {
  HeadWriter writer({});
  writer.raw("");
  EXPECT_FALSE(writer.overflowed());
  writer.end();
  EXPECT_TRUE(writer.overflowed());
  EXPECT_EQ(writer.text(), "");
}

TEST(HeadWriter, WritesHeadsThatParseToTheSame) {
  Request request = parse_with_fields("X-A: 1\r\nX-B:\r\nCookie: a=b; c=d\r\n");
  std::vector<char> buffer(300);
  HeadWriter writer(buffer);
  writer.request_line(request.head.method, request.head.target);
  for (const HeaderField& field : request.head.headers) writer.field(field.name, field.value);
  writer.end();
  Request again = parse_request(writer.text());
  ASSERT_TRUE(again.complete());
  ASSERT_EQ(again.head.headers.size(), request.head.headers.size());
  for (std::size_t i = 0; i < request.head.headers.size(); ++i) {
    EXPECT_EQ(again.head.headers[i].name, request.head.headers[i].name);
    EXPECT_EQ(again.head.headers[i].value, request.head.headers[i].value);
  }
}

}  // namespace
}  // namespace weir::http
