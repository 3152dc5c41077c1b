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
  for (const auto& [topic, entries] : {std::pair{"strategies", kinds().strategies},
                                       std::pair{"checkers", kinds().checkers}, std::pair{"stores", kinds().stores}}) {
    std::string text = help_text(topic);
    for (const config::KindEntry& entry : entries) {
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

TEST(HelpText, HasEverySectionOfTheSchemaWithTheChoicesOfItsValues) {
  std::string text = help_text("config");
  for (const char* section :
       {"top level", "admin.tokens[]", "tls", "certificates[]", "listeners[].tls", "listeners[].tls.client",
        "listeners[].tls.hsts", "listeners[].http2", "listeners[].udp", "listeners[].socket", "listeners[].timeouts",
        "pools[].tls", "pools[].grpc", "pools[].timeouts"}) {
    EXPECT_TRUE(text.contains(fmt::format("\n{}: ", section))) << section << text;
  }
  for (const char* choices :
       {"one of: http, https, tcp, tls, udp", "one of: off, cookie, source_ip, header", "one of: http/1.1, h2, auto",
        "one of: round_robin, weighted_round_robin", "one of: memory, sqlite"}) {
    EXPECT_TRUE(text.contains(choices)) << choices << text;
  }
}

}  // namespace
}  // namespace weir::app
