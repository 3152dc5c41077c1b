#include "health/http_check_options.h"

#include <map>

#include "gtest/gtest.h"

namespace weir::health {
namespace {

using Texts = std::vector<std::string>;
using Headers = std::map<std::string, std::string>;

std::string fault(std::string key, config::OptionValue value) {
  config::Choice choice{.name = "http", .options = {{std::move(key), std::move(value)}}};
  auto options = HttpCheckOptions::read(choice);
  return options ? "" : options.error();
}

TEST(HttpCheckOptions, HaveDefaultsForEverything) {
  auto options = HttpCheckOptions::read({.name = "http", .options = {}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->method, "GET");
  EXPECT_EQ(options->path, "/health");
  EXPECT_EQ(options->host, "");
  EXPECT_EQ(options->version, "1.1");
  EXPECT_EQ(options->headers, "");
  EXPECT_TRUE(options->expected_status.contains(204));
  EXPECT_FALSE(options->expected_status.contains(304));
}

TEST(HttpCheckOptions, RefusePathsThatCouldEndTheRequestLine) {
  for (const char* path : {"", "health", "/a b", "/a\r\nX: y", "/a\tb", "/a#b", "/\x7f", "*"}) {
    EXPECT_TRUE(fault("path", std::string(path)).starts_with("path: ")) << path;
  }
  EXPECT_EQ(fault("path", std::string("/")), "");
  EXPECT_EQ(fault("path", std::string("/health/live?full=1&x=%20")), "");
}

TEST(HttpCheckOptions, RefuseHostsThatAreNone) {
  for (const char* host : {"a b", "a/b", "a\nb", "user@host", "a?b"}) {
    EXPECT_TRUE(fault("host", std::string(host)).starts_with("host: ")) << host;
  }
  EXPECT_EQ(fault("host", std::string("www.example.com:8080")), "");
  EXPECT_EQ(fault("host", std::string("[::1]:80")), "");
}

TEST(HttpCheckOptions, RefuseHeadersThatWouldChangeTheMessage) {
  EXPECT_NE(fault("headers", Headers{{"X Y", "1"}}), "");
  EXPECT_NE(fault("headers", Headers{{"", "1"}}), "");
  EXPECT_NE(fault("headers", Headers{{"X:", "1"}}), "");
  EXPECT_NE(fault("headers", Headers{{"X", "1\r\nEvil: yes"}}), "");
  EXPECT_NE(fault("headers", Headers{{"X", std::string("a\0b", 3)}}), "");
  for (const char* name : {"Content-Length", "transfer-encoding", "Host", "CONNECTION", "Upgrade"}) {
    EXPECT_NE(fault("headers", Headers{{name, "1"}}), "") << name;
  }
}

TEST(HttpCheckOptions, KeepHeadersAsTheyAreSent) {
  config::Choice choice{.name = "http", .options = {{"headers", Headers{{"X-Probe", " a\tb "}, {"Accept", "*/*"}}}}};
  auto options = HttpCheckOptions::read(choice);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->headers, "Accept: */*\r\nX-Probe: a\tb\r\n");
}

TEST(HttpCheckOptions, RefuseStatusesThatAreNone) {
  for (const Texts& texts : {Texts{}, Texts{""}, Texts{"20x"}, Texts{"99"}, Texts{"600"}, Texts{"299-200"},
                             Texts{"200-"}, Texts{"-200"}, Texts{"200", "1-2-3"}, Texts{"+200"}}) {
    EXPECT_TRUE(fault("expected_status", texts).starts_with("expected_status: ")) << (texts.empty() ? "" : texts[0]);
  }
}

TEST(HttpCheckOptions, RefuseMethodsAndVersionsThatAreNone) {
  EXPECT_NE(fault("method", std::string("GET /")), "");
  EXPECT_NE(fault("method", std::string()), "");
  EXPECT_NE(fault("version", std::string("2")), "");
}

TEST(HttpCheckOptions, RefuseABodyThatCanNeverBeSeen) {
  EXPECT_NE(fault("expected_body", std::string(kBodyLimitBytes + 1, 'x')), "");
  EXPECT_EQ(fault("expected_body", std::string(kBodyLimitBytes, 'x')), "");
  config::Choice choice{.name = "http",
                        .options = {{"method", std::string("HEAD")}, {"expected_body", std::string("ok")}}};
  EXPECT_FALSE(HttpCheckOptions::read(choice));
}

TEST(StatusRanges, ContainTheirEndsAndSingleStatuses) {
  auto ranges = StatusRanges::parse(Texts{"200-204", " 301 ", "400 - 499"});
  ASSERT_TRUE(ranges);
  for (int status : {200, 204, 301, 400, 499}) EXPECT_TRUE(ranges->contains(static_cast<std::uint16_t>(status)));
  for (int status : {100, 199, 205, 300, 302, 500}) EXPECT_FALSE(ranges->contains(static_cast<std::uint16_t>(status)));
  EXPECT_EQ(ranges->text(), "200-204, 301, 400 - 499");
}

}  // namespace
}  // namespace weir::health
