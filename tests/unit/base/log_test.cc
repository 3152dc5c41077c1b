#include "base/log.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(Log, WritesOneLineWithTimeAndLevel) {
  set_log_level(LogLevel::info);
  testing::internal::CaptureStderr();
  log_warning("{} lines lost", 3);
  std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(line.contains(" warning 3 lines lost\n")) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(Log, DropsWhatIsBelowItsLevel) {
  set_log_level(LogLevel::error);
  testing::internal::CaptureStderr();
  log_warning("not shown");
  log_error("shown");
  std::string text = testing::internal::GetCapturedStderr();
  set_log_level(LogLevel::info);
  EXPECT_FALSE(text.contains("not shown"));
  EXPECT_TRUE(text.contains("shown"));
  EXPECT_FALSE(log_enabled(LogLevel::debug));
}

}  // namespace
}  // namespace weir::base
