#include "access_log/log.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "gtest/gtest.h"

#include "tests/unit/access_log/temporary_folder.h"

namespace weir::access_log {
namespace {

std::unique_ptr<Log> open_log(Options options, const char* format = "%{request_id}") {
  auto log = Log::open(*Format::compile(format), std::move(options));
  return log ? std::move(*log) : nullptr;
}

void write_line(Log& log, std::uint32_t worker, std::string_view text) {
  Record record;
  record.request_id = text;
  log.write(worker, record);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A named pipe and its reading end.
struct Pipe {
  explicit Pipe(const std::string& path) {
    ::mkfifo(path.c_str(), 0600);
    reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  ~Pipe() { close_reader(); }
  void close_reader() {
    if (reader >= 0) ::close(reader);
    reader = -1;
  }
  // Fills it with empty lines, so that nothing more goes in until somebody reads.
  void fill(const std::string& path) const {
    int writer = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    std::string empty_lines(4096, '\n');
    while (::write(writer, empty_lines.data(), empty_lines.size()) > 0) continue;
    ::close(writer);
  }
  // Reads until the other side has closed.
  std::string read_all() const {
    std::string text;
    std::array<char, 64 * 1024> buffer;
    for (;;) {
      pollfd readable{.fd = reader, .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, -1);
      ssize_t got = ::read(reader, buffer.data(), buffer.size());
      if (got == 0) return text;
      if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  int reader = -1;
};

TEST(AccessLog, WritesWhatWasThereBeforeAFlush) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto log = open_log({.path = path});
  ASSERT_NE(log, nullptr);
  write_line(*log, 0, "one");
  write_line(*log, 0, "two");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(test::read_file(path), "one\ntwo\n");
  EXPECT_TRUE(log->flush());
  write_line(*log, 0, "three");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(test::read_file(path), "one\ntwo\nthree\n");
  EXPECT_EQ(log->dropped(), 0u);
}

TEST(AccessLog, WritesEverythingOutWhenItEnds) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto log = open_log({.path = path, .workers = 2});
  write_line(*log, 0, "one");
  write_line(*log, 1, "two");
  log.reset();
  std::vector<std::string> lines = lines_of(test::read_file(path));
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
}

TEST(AccessLog, SaysWhyItCannotBeOpened) {
  test::TemporaryFolder folder;
  auto log = Log::open(*Format::compile("json"), {.path = folder.path("missing/access.log")});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, base::ErrorCode::not_found);
}

TEST(AccessLog, KeepsEveryLineOfEveryWorkerWholeAndInOrder) {
  constexpr std::uint32_t kWorkers = 3;
  constexpr int kLines = 5000;
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto log = open_log({.path = path, .workers = kWorkers});
  std::vector<std::jthread> workers;
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&log, worker] {
      for (int i = 0; i < kLines; ++i) {
        write_line(*log, worker, std::to_string(worker) + " " + std::to_string(i) + std::string(i % 50, '.'));
        if (i % 1000 == 0) log->reopen();
      }
    });
  }
  workers.clear();
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(log->dropped(), 0u);
  std::array<int, kWorkers> next{};
  std::vector<std::string> lines = lines_of(test::read_file(path));
  EXPECT_EQ(lines.size(), kWorkers * kLines);
  for (const std::string& line : lines) {
    auto worker = static_cast<std::size_t>(line.at(0) - '0');
    int i = next.at(worker)++;
    ASSERT_EQ(line, std::to_string(worker) + " " + std::to_string(i) + std::string(i % 50, '.'));
  }
}

TEST(AccessLog, GoesOnInANewFileAfterRotation) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto log = open_log({.path = path});
  write_line(*log, 0, "before");
  ASSERT_EQ(::rename(path.c_str(), folder.path("access.log.1").c_str()), 0);
  log->reopen();
  EXPECT_TRUE(log->flush());
  write_line(*log, 0, "after");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(test::read_file(folder.path("access.log.1")), "before\n");
  EXPECT_EQ(test::read_file(path), "after\n");
}

TEST(AccessLog, DropsWholeLinesWhenNobodyReadsAndGoesOnWhenSomebodyDoes) {
  constexpr int kLines = 4000;
  test::TemporaryFolder folder;
  Pipe pipe(folder.path("pipe"));
  auto log = open_log({.path = folder.path("pipe"), .ring_bytes = 4096});
  ASSERT_NE(log, nullptr);
  pipe.fill(folder.path("pipe"));
  std::string padding(90, 'x');
  for (int i = 0; i < kLines; ++i) write_line(*log, 0, std::to_string(i) + padding);
  EXPECT_FALSE(log->flush(std::chrono::milliseconds(1)));
  std::uint64_t dropped = log->dropped();
  EXPECT_GT(dropped, kLines - 4096 / padding.size());
  std::string text;
  std::jthread reader([&] { text = pipe.read_all(); });
  EXPECT_TRUE(log->flush());
  write_line(*log, 0, "the last one");
  log.reset();
  reader.join();
  std::vector<std::string> lines = lines_of(text.substr(text.find_first_not_of('\n')));
  EXPECT_EQ(lines.size(), kLines - dropped + 1);
  EXPECT_EQ(lines.back(), "the last one");
  lines.pop_back();
  int previous = -1;
  for (const std::string& line : lines) {
    int number = std::stoi(line);
    EXPECT_GT(number, previous);
    EXPECT_EQ(line, std::to_string(number) + padding);
    previous = number;
  }
}

TEST(AccessLog, EndsInTimeThoughNobodyReads) {
  test::TemporaryFolder folder;
  Pipe pipe(folder.path("pipe"));
  auto log = open_log({.path = folder.path("pipe"), .shutdown_limit = std::chrono::milliseconds(20)});
  pipe.fill(folder.path("pipe"));
  write_line(*log, 0, "unread");
  base::TimePoint start = base::now();
  log.reset();
  EXPECT_LT(base::now() - start, std::chrono::seconds(2));
}

TEST(AccessLog, EndsInTheBackgroundWhenAsked) {
  test::TemporaryFolder folder;
  Pipe pipe(folder.path("pipe"));
  auto log = open_log({.path = folder.path("pipe"), .shutdown_limit = std::chrono::minutes(1)});
  pipe.fill(folder.path("pipe"));
  write_line(*log, 0, "last words");
  log->end();
  EXPECT_FALSE(log->has_ended()) << "nobody has read, and there is a minute left";
  while (!log->has_ended()) {
    pollfd readable{.fd = pipe.reader, .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, 10);
    std::array<char, 64 * 1024> buffer;
    [[maybe_unused]] ssize_t got = ::read(pipe.reader, buffer.data(), buffer.size());
  }
  EXPECT_EQ(log->dropped(), 0u);
}

TEST(AccessLog, CountsWhatAFullDiskLost) {
  testing::internal::CaptureStderr();
  auto log = open_log({.path = "/dev/full"});
  ASSERT_NE(log, nullptr);
  for (int i = 0; i < 10; ++i) write_line(*log, 0, "line");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(log->dropped(), 10u);
  for (int i = 0; i < 5; ++i) {
    write_line(*log, 0, "line");
    EXPECT_TRUE(log->flush());
  }
  EXPECT_EQ(log->dropped(), 15u);
  log.reset();
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(said.contains(" lines dropped: write the access log")) << said;
  EXPECT_TRUE(said.contains("No space left on device")) << said;
  EXPECT_EQ(lines_of(said).size(), 2u) << said;  // the second one when it ended: at most one a minute
}

TEST(AccessLog, SurvivesAReaderThatWentAway) {
  test::TemporaryFolder folder;
  Pipe pipe(folder.path("pipe"));
  auto log = open_log({.path = folder.path("pipe")});
  write_line(*log, 0, "seen");
  EXPECT_TRUE(log->flush());
  pipe.close_reader();
  write_line(*log, 0, "lost");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(log->dropped(), 1u);
}

TEST(AccessLog, DropsALineThatIsLongerThanItsRing) {
  test::TemporaryFolder folder;
  std::string path = folder.path("access.log");
  auto log = open_log({.path = path, .ring_bytes = 4096}, "%{request_id}%{request_id}");
  write_line(*log, 0, std::string(4000, 'x'));
  write_line(*log, 0, "short");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(log->dropped(), 1u);
  EXPECT_EQ(test::read_file(path), "shortshort\n");
}

TEST(AccessLog, CountsLinesThatCouldNotBeWritten) {
  auto log = open_log({.path = "/dev/full"});
  write_line(*log, 0, "line");
  EXPECT_TRUE(log->flush());
  EXPECT_EQ(log->dropped(), 1u);
}

}  // namespace
}  // namespace weir::access_log
