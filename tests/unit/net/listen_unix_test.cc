#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/listener.h"

namespace weir::net {
namespace {

class ListenUnix : public testing::Test {
 protected:
  ListenUnix() {
    std::string pattern = testing::TempDir() + "weir-unix-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/socket";
  }
  ~ListenUnix() override { std::filesystem::remove_all(folder_); }

  std::string folder_, path_;
};

TEST_F(ListenUnix, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(path_) << "precious";
  base::Result<int> fd = listen_unix(path_);
  ASSERT_FALSE(fd);
  EXPECT_NE(std::string(fd.error().what).find("no socket"), std::string::npos);
  std::string kept;
  std::ifstream(path_) >> kept;
  EXPECT_EQ(kept, "precious");
}

TEST_F(ListenUnix, FollowsNoLink) {
  std::ofstream(folder_ + "/file") << "precious";
  std::filesystem::create_symlink(folder_ + "/file", path_);
  EXPECT_FALSE(listen_unix(path_));
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/file"));
  // Nor one that leads to a socket that nobody serves.
  std::filesystem::remove(path_);
  close(*listen_unix(folder_ + "/other"));
  std::filesystem::create_symlink(folder_ + "/other", path_);
  EXPECT_FALSE(listen_unix(path_));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/other"));
}

TEST_F(ListenUnix, ReplacesASocketThatNobodyServesAndNoOther) {
  base::Result<int> first = listen_unix(path_);
  ASSERT_TRUE(first);
  base::Result<int> second = listen_unix(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().os_error, EADDRINUSE);
  close(*first);
  base::Result<int> third = listen_unix(path_);
  ASSERT_TRUE(third);
  struct stat found{};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0660u) << "for its user and group only";
  close(*third);
}

}  // namespace
}  // namespace weir::net
