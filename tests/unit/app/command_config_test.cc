#include "app/command_config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <utility>

#include "app/weir.h"

namespace weir::app {
namespace {

TEST(LoadConfig, IsBuiltInOnlyWhenNoFileWasNamedAndNoneIsThere) {
  auto loaded = load_config("", "/nowhere/weir.yaml");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->path, "");
  EXPECT_EQ(loaded->config.listeners.front().address, "*:8080");
  testing::internal::CaptureStderr();
  EXPECT_FALSE(load_config("/nowhere/weir.yaml", "/nowhere/weir.yaml"));
  EXPECT_TRUE(testing::internal::GetCapturedStderr().contains("/nowhere/weir.yaml: "));
}

TEST(HelpText, NamesEveryEntryWithItsOptions) {
  for (const config::Kind& kind : kinds()) {
    std::string text = help_text(std::string(kind.name));
    for (const config::KindEntry& entry : kind.entries) {
      EXPECT_TRUE(text.contains(fmt::format("\n  {}\n", entry.name))) << entry.name;
      for (const config::OptionSpec& option : entry.options) {
        EXPECT_TRUE(text.contains(fmt::format("      {}: ", option.key))) << option.key;
      }
    }
  }
}

TEST(HelpText, NamesKeysOfTheConfigurationWithTheirDefaults) {
  std::string text = help_text("config");
  for (const char* part : {"workers              threads", "(default \"auto\")", "pools[].backends[]", "(required)",
                           "drain_timeout", "(default \"5m\")", "address "}) {
    EXPECT_TRUE(text.contains(part)) << part << text;
  }
}

// Without the breaks of lines.
std::string unbroken(std::string_view text) {
  std::string out;
  for (char c : text) {
    const char next = c == '\n' ? ' ' : c;
    if (next != ' ' || !out.ends_with(' ')) out += next;
  }
  return out;
}

TEST(HelpText, HasLinesThatATerminalShows) {
  std::string text = help_text("config");
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    if (text.at(at) == ' ') EXPECT_LE(end - at, 100u) << text.substr(at, end - at);
  }
  EXPECT_FALSE(unbroken(text).contains("port where it listens (default 0)"));
}

TEST(HelpText, ShowsOneSectionOfTheConfiguration) {
  for (const char* name : {"listeners", "listeners[]"}) {
    std::string text = help_text("config", name);
    EXPECT_TRUE(text.starts_with("\nlisteners[]: ")) << text;
    EXPECT_TRUE(text.contains("\nlisteners[].routes[].match: ")) << text;
    EXPECT_FALSE(text.contains("\npools[]")) << text;
  }
  EXPECT_TRUE(help_text("config", "tls").contains("\ntls: "));
  EXPECT_EQ(help_text("config", "listen"), "");
}

TEST(HelpText, NamesEveryVariable) {
  std::string text = help_text("variables");
  for (const char* name : {"{client}", "{tls.client_sha256}", "{header.NAME}", "{1}"}) {
    EXPECT_TRUE(text.contains(name)) << name;
  }
}

TEST(HelpText, HasEverySectionOfTheSchemaWithTheChoicesOfItsValues) {
  std::string text = help_text("config");
  for (const char* section :
       {"top level", "admin.tokens[]", "tls", "certificates[]", "listeners[].tls", "listeners[].tls.client",
        "listeners[].tls.hsts", "listeners[].http2", "listeners[].udp", "listeners[].socket", "listeners[].timeouts",
        "pools[].tls", "pools[].grpc", "pools[].timeouts"}) {
    EXPECT_TRUE(text.contains(fmt::format("\n{}: ", section))) << section << text;
  }
  for (const char* choices :
       {"one of: http, https, tcp, tls, udp", "one of: cookie, source_ip", "one of: http/1.1, h2, auto",
        "one of: round_robin, weighted_round_robin", "one of: memory, sqlite"}) {
    EXPECT_TRUE(unbroken(text).contains(choices)) << choices << text;
  }
}

}  // namespace
}  // namespace weir::app
