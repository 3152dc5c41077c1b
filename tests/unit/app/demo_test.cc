#include "app/demo.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace weir::app {
namespace {

TEST(HowToCall, IsThePathFromTheFolderOn) {
  EXPECT_EQ(how_to_call("/home/me/weir/build/release/weir", "/home/me/weir", "/usr/bin"), "build/release/weir");
  EXPECT_EQ(how_to_call("/home/me/weir", "/home/me", ""), "./weir");
  EXPECT_EQ(how_to_call("/opt/weir/bin/weir", "/home/me", "/nowhere"), "/opt/weir/bin/weir");
  EXPECT_EQ(how_to_call("/home/me/it's here/weir", "/home/me", ""), R"('it'\''s here/weir')");
}

TEST(HowToCall, IsTheNameWhereTheShellFindsIt) {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / "weir-demo-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  fs::path folder = pattern;
  for (const char* place : {"first", "second"}) {
    fs::create_directory(folder / place);
    std::ofstream(folder / place / "weir") << "a program";
  }
  std::string first = folder / "first", second = folder / "second";
  EXPECT_EQ(how_to_call(second + "/weir", "/", "/nowhere:" + second + ":" + first), "weir");
  EXPECT_EQ(how_to_call(second + "/weir", "/", first + ":" + second), second + "/weir") << "hidden by another";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace weir::app
