#include "access_log/sink.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/unit/access_log/temporary_folder.h"

namespace weir::access_log {
namespace {

// Standard output is another file while this lives.
class ReplacedStdout {
 public:
  explicit ReplacedStdout(int fd) : saved_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) { ::dup2(fd, STDOUT_FILENO); }
  ~ReplacedStdout() {
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

std::string read_available(int fd) {
  std::array<char, 64 * 1024> buffer;
  ssize_t got = ::read(fd, buffer.data(), buffer.size());
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : "";
}

TEST(AccessLogSink, CreatesAFileThatOthersMayNotReadAndAppends) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  mode_t mask = ::umask(0);
  for (const char* line : {"one\n", "two\n"}) {
    auto sink = Sink::open(path);
    ASSERT_TRUE(sink);
    EXPECT_EQ(sink->write(line), 4u);
  }
  ::umask(mask);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(test::read_file(path), "one\ntwo\n");
}

TEST(AccessLogSink, ReportsAFileThatCannotBeOpened) {
  test::TemporaryFolder folder;
  EXPECT_EQ(Sink::open(folder.path("missing/access.log")).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(Sink::open(folder.path("")).error().os_error, EISDIR);
  EXPECT_FALSE(Sink::open(""));
}

TEST(AccessLogSink, OpensThePathAgainAfterRotation) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto sink = Sink::open(path);
  ASSERT_TRUE(sink);
  EXPECT_TRUE(sink->write("old\n"));
  ASSERT_EQ(::rename(path.c_str(), folder.path("access.log.1").c_str()), 0);
  EXPECT_TRUE(sink->write("still old\n"));
  EXPECT_TRUE(sink->reopen());
  EXPECT_TRUE(sink->write("new\n"));
  EXPECT_EQ(test::read_file(folder.path("access.log.1")), "old\nstill old\n");
  EXPECT_EQ(test::read_file(path), "new\n");
}

TEST(AccessLogSink, KeepsTheOldFileWhenTheNewOneCannotBeOpened) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto sink = Sink::open(path);
  ASSERT_TRUE(sink);
  std::string moved = folder.path("moved");
  ASSERT_EQ(::rename(path.c_str(), moved.c_str()), 0);
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  EXPECT_FALSE(sink->reopen());
  EXPECT_TRUE(sink->write("kept\n"));
  EXPECT_EQ(test::read_file(moved), "kept\n");
  ::rmdir(path.c_str());
}

TEST(AccessLogSink, TakesWhatAPipeHoldsAndNeverBlocks) {
  test::TemporaryFolder folder;
  std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(Sink::open(path).error().os_error, ENXIO);  // nobody reads
  int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto sink = Sink::open(path);
  ASSERT_TRUE(sink);
  std::string text(1024 * 1024, 'x');
  std::size_t total = 0;
  for (;;) {
    auto written = sink->write(text);
    ASSERT_TRUE(written);
    if (*written == 0) break;
    total += *written;
  }
  EXPECT_LT(total, text.size());
  EXPECT_FALSE(read_available(reader).empty());
  EXPECT_GT(*sink->write(text), 0u);
  ::close(reader);
}

TEST(AccessLogSink, WritesToAStandardOutputThatIsAPipeWithoutChangingItsFlags) {
  std::array<int, 2> pipe;
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  {
    ReplacedStdout replaced(pipe[1]);
    auto sink = Sink::open("stdout");
    ASSERT_TRUE(sink);
    EXPECT_EQ(sink->write("line\n"), 5u);
    EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(sink->reopen());
    std::string much(1024 * 1024, 'x');
    while (*sink->write(much) > 0) continue;  // ends, though nobody reads
  }
  EXPECT_EQ(read_available(pipe[0]).substr(0, 6), "line\nx");
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(AccessLogSink, WritesToAStandardOutputThatIsASocket) {
  std::array<int, 2> sockets;
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()), 0);
  {
    ReplacedStdout replaced(sockets[1]);
    auto sink = Sink::open("stdout");
    ASSERT_TRUE(sink);
    EXPECT_EQ(sink->write("line\n"), 5u);
    std::string much(1024 * 1024, 'x');
    while (*sink->write(much) > 0) continue;
  }
  EXPECT_EQ(read_available(sockets[0]).substr(0, 6), "line\nx");
  ::close(sockets[0]);
  ::close(sockets[1]);
}

TEST(AccessLogSink, AppendsToAStandardOutputThatIsAFile) {
  test::TemporaryFolder folder;
  std::string path = folder.path("stdout");
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::write(fd, "before\n", 7), 7);
  {
    ReplacedStdout replaced(fd);
    auto sink = Sink::open("stdout");
    ASSERT_TRUE(sink);
    EXPECT_EQ(sink->write("after\n"), 6u);
  }
  ::close(fd);
  EXPECT_EQ(test::read_file(path), "before\nafter\n");
}

TEST(AccessLogSink, ReportsAFullDisk) {
  auto sink = Sink::open("/dev/full");
  ASSERT_TRUE(sink);
  EXPECT_EQ(sink->write("line\n").error().os_error, ENOSPC);
}

TEST(AccessLogSink, BeginsANewLineAfterOneThatWasLostHalfway) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto sink = Sink::open(path);
  ASSERT_TRUE(sink);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 10;
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto first = sink->write("0123456789abcdef\n");
  auto rest = sink->write("abcdef\n");
  auto again = sink->write("lost too\n");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(first, 10u);
  EXPECT_EQ(rest.error().os_error, EFBIG);
  EXPECT_FALSE(again);
  EXPECT_EQ(sink->write("next\n"), 5u);
  EXPECT_EQ(sink->write("last\n"), 5u);
  EXPECT_EQ(test::read_file(path), "0123456789\nnext\nlast\n");
}

}  // namespace
}  // namespace weir::access_log
