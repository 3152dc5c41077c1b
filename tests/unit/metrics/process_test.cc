#include "metrics/process.h"

#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "gtest/gtest.h"

#include "base/clock.h"

namespace weir::metrics {
namespace {

TEST(ParseProcessStat, FindsItsFieldsBehindAnyProgramName) {
  std::string ticks = std::to_string(::sysconf(_SC_CLK_TCK));
  std::string stat = "4 (we) ir (x) S 1 4 4 0 -1 4194560 900 0 0 0 " + ticks + " " + ticks + " 0 0 20 0 3 0 " + ticks +
                     " 123456789 250 18446744073709551615 1 1";
  ProcessNumbers numbers = parse_process_stat(stat, 1000);
  EXPECT_DOUBLE_EQ(numbers.cpu_seconds, 2);
  EXPECT_DOUBLE_EQ(numbers.threads, 3);
  EXPECT_DOUBLE_EQ(numbers.start_time_seconds, 1001);
  EXPECT_DOUBLE_EQ(numbers.virtual_bytes, 123456789);
  EXPECT_DOUBLE_EQ(numbers.resident_bytes, 250.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

TEST(ParseProcessStat, GivesZerosForAnythingElse) {
  for (const char* stat :
       {"", "4 weir S 1", "4 (weir)", "4 (weir) S 1 2 3", "4 (weir) S x x x x x x x x x x x x x x x x x x x x x"}) {
    ProcessNumbers numbers = parse_process_stat(stat, 1000);
    EXPECT_EQ(numbers.threads, 0) << stat;
    EXPECT_EQ(numbers.start_time_seconds, 0) << stat;
  }
}

TEST(ReadProcessNumbers, DescribesThisProcess) {
  ProcessNumbers before = read_process_numbers();
  EXPECT_GE(before.threads, 1);
  EXPECT_GT(before.resident_bytes, 100'000);
  EXPECT_GE(before.virtual_bytes, before.resident_bytes);
  EXPECT_GE(before.open_fds, 3);
  EXPECT_GT(before.max_fds, before.open_fds);
  auto now = static_cast<double>(base::unix_milliseconds()) / 1000;
  EXPECT_NEAR(before.start_time_seconds, now, 3600);
  int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(read_process_numbers().open_fds, before.open_fds + 1);
  ::close(fd);
}

TEST(RegisterProcessFamilies, ShowsAllOfThemInOneScrape) {
  Registry registry(1);
  register_process_families(registry);
  std::string text = registry.exposition();
  for (const char* name : {"cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds",
                           "start_time_seconds", "threads"}) {
    EXPECT_TRUE(text.contains(std::string("\nweir_process_") + name + " ")) << name;
  }
  EXPECT_FALSE(text.contains("\nweir_process_open_fds 0\n"));
}

}  // namespace
}  // namespace weir::metrics
