#include "health/http_check_options.h"

#include <map>

#include "gtest/gtest.h"

namespace weir::health {
namespace {

using Texts = std::vector<std::string>;
using Headers = std::map<std::string, std::string>;

HttpCheckOptions read(config::Choice choice) { return HttpCheckOptions::read(choice).value(); }
std::vector<config::OptionFault> faults_of(decltype(config::Choice::options) given) {
  auto read = HttpCheckOptions::read({.name = "http", .options = std::move(given)});
  return read ? config::OptionFaults() : read.error();
}
// The key of the one option at fault; empty when none is.
std::string fault(std::string key, config::OptionValue value) {
  auto faults = faults_of({{std::move(key), std::move(value)}});
  EXPECT_LE(faults.size(), 1u);
  return faults.empty() ? "" : std::string(faults.front().key);
}

TEST(HttpCheckOptions, HaveDefaultsForEverything) {
  HttpCheckOptions options = read({.name = "http", .options = {}});
  EXPECT_EQ(options.method, "GET");
  EXPECT_EQ(options.path, "/health");
  EXPECT_EQ(options.host, "");
  EXPECT_EQ(options.version, "auto");
  EXPECT_TRUE(options.headers.empty());
  EXPECT_TRUE(options.expected_status.contains(204));
  EXPECT_FALSE(options.expected_status.contains(304));
}

TEST(HttpCheckOptions, ReportEveryFaultAtOnce) {
  auto faults = faults_of({{"path", std::string("x")},
                           {"host", std::string("a b")},
                           {"headers", Headers{{"Host", "a"}, {"b c", "d"}}},
                           {"expected_status", Texts{"no"}}});
  Texts keys;
  for (const config::OptionFault& one : faults) keys.emplace_back(one.key);
  EXPECT_EQ(keys, (Texts{"path", "host", "headers", "headers", "expected_status"}));
}

TEST(HttpCheckOptions, RefusePathsThatCouldEndTheRequestLine) {
  for (const char* path : {"", "health", "/a b", "/a\r\nX: y", "/a\tb", "/a#b", "/\x7f", "*"}) {
    EXPECT_EQ(fault("path", std::string(path)), "path") << path;
  }
  EXPECT_EQ(fault("path", std::string("/")), "");
  EXPECT_EQ(fault("path", std::string("/health/live?full=1&x=%20")), "");
}

TEST(HttpCheckOptions, RefuseHostsThatAreNone) {
  for (const char* host : {"a b", "a/b", "a\nb", "user@host", "a?b"}) {
    EXPECT_EQ(fault("host", std::string(host)), "host") << host;
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
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(read(choice).headers, (Pairs{{"Accept", "*/*"}, {"X-Probe", "a\tb"}}));
}

TEST(HttpCheckOptions, RefuseStatusesThatAreNone) {
  for (const Texts& texts : {Texts{}, Texts{""}, Texts{"20x"}, Texts{"99"}, Texts{"600"}, Texts{"299-200"},
                             Texts{"200-"}, Texts{"-200"}, Texts{"200", "1-2-3"}, Texts{"+200"}}) {
    EXPECT_EQ(fault("expected_status", texts), "expected_status") << (texts.empty() ? "" : texts[0]);
  }
}

TEST(HttpCheckOptions, RefuseMethodsAndVersionsThatAreNone) {
  EXPECT_NE(fault("method", std::string("GET /")), "");
  EXPECT_NE(fault("method", std::string()), "");
  EXPECT_NE(fault("version", std::string("3")), "");
}

TEST(HttpCheckOptions, RefuseABodyThatCanNeverBeSeen) {
  EXPECT_NE(fault("expected_body", std::string(kBodyLimitBytes + 1, 'x')), "");
  EXPECT_EQ(fault("expected_body", std::string(kBodyLimitBytes, 'x')), "");
  EXPECT_EQ(faults_of({{"method", std::string("HEAD")}, {"expected_body", std::string("ok")}}).size(), 1u);
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
