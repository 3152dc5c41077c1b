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

}  // namespace
}  // namespace weir::app
