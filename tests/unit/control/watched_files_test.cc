#include "control/watched_files.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class WatchedFilesTest : public testing::Test {
 protected:
  WatchedFilesTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("weir-watched-{:08x}", std::random_device()())) {
    std::filesystem::create_directories(folder_);
  }
  ~WatchedFilesTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Another size each time, so that it looks different however coarse the clock of files is.
  void write(const std::string& name) { std::ofstream(path(name)) << std::string(++written_, 'x'); }
  void write_and_read(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      write(name);
      ASSERT_TRUE(files_.read(path(name), false));
    }
  }

  std::filesystem::path folder_;
  std::size_t written_ = 0;
  WatchedFiles files_;
};

TEST_F(WatchedFilesTest, SaysNothingOfFilesThatStayAsTheyWereRead) {
  write_and_read({"a", "b"});
  for (int i = 0; i < 3; ++i) EXPECT_THAT(files_.changed(), IsEmpty());
}

TEST_F(WatchedFilesTest, TellsOfAReplacedFileOnceItIsAtRest) {
  write_and_read({"a"});
  write("a");
  EXPECT_THAT(files_.changed(), IsEmpty()) << "it may still be written";
  EXPECT_THAT(files_.changed(), ElementsAre(path("a")));
  ASSERT_TRUE(files_.read(path("a"), true));
  EXPECT_THAT(files_.changed(), IsEmpty());
}

TEST_F(WatchedFilesTest, ManyFilesReplacedAtOnceAreToldOfAtOnce) {
  write_and_read({"a", "b", "c", "d", "e", "f"});
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) write(name);
  EXPECT_THAT(files_.changed(), IsEmpty());
  EXPECT_THAT(files_.changed(), SizeIs(6));
}

TEST_F(WatchedFilesTest, WhoReplacesSeveralFilesMayFinish) {
  write_and_read({"cert", "key"});
  write("cert");
  EXPECT_THAT(files_.changed(), IsEmpty());
  write("key");
  EXPECT_THAT(files_.changed(), IsEmpty()) << "the key is still changing";
  EXPECT_THAT(files_.changed(), ElementsAre(path("cert"), path("key")));
}

TEST_F(WatchedFilesTest, AFileThatChangesAllTheTimeHoldsUpNoOther) {
  for (const char* busy : {"a", "z"}) {
    write_and_read({busy, "m"});
    write("m");
    bool told = false;
    for (int i = 0; i < WatchedFiles::kPatience + 2; ++i) {
      write(busy);
      told = told || !files_.changed().empty();
    }
    EXPECT_TRUE(told) << busy;
  }
}

}  // namespace
}  // namespace weir::control
