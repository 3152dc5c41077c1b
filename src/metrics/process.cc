#include "metrics/process.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include "metrics/families.h"

namespace weir::metrics {
namespace {

// Files of /proc say nothing of their size, and what is asked of them here stands at their beginning.
std::string read_start_of(const char* path, std::size_t limit_bytes) {
  std::string text(limit_bytes, '\0');
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::size_t filled = 0;
  while (filled < text.size()) {
    ssize_t got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  ::close(fd);
  text.resize(filled);
  return text;
}

std::size_t resident_pages() {
  std::string statm = read_start_of("/proc/self/statm", 256);
  std::size_t pages = 0;
  auto at = statm.find(' ');
  if (at != std::string::npos) std::from_chars(statm.data() + at + 1, statm.data() + statm.size(), pages);
  return pages;
}

double count_open_fds() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  double count = -1;  // the one that reads the directory
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(directory);
  return count;
}

double max_fds() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur == RLIM_INFINITY) return std::numeric_limits<double>::infinity();
  return static_cast<double>(limit.rlim_cur);
}

double boot_time_seconds() {
  std::string stat = read_start_of("/proc/stat", 1024 * 1024);
  auto at = stat.find("\nbtime ");
  if (at == std::string::npos) return 0;
  std::uint64_t seconds = 0;
  std::from_chars(stat.data() + at + 7, stat.data() + stat.size(), seconds);
  return static_cast<double>(seconds);
}

}  // namespace

ProcessNumbers parse_process_stat(std::string_view stat, double boot_time_seconds) {
  // The name of the program stands in parentheses and may itself contain some; the third field follows the last ')'.
  constexpr std::size_t kUserTicks = 14, kSystemTicks = 15, kThreads = 20, kStartTicks = 22, kVirtualBytes = 23,
                        kResidentPages = 24;
  auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  std::array<double, kResidentPages + 1> fields{};
  const char* at = stat.data() + name_end + 1;
  const char* end = stat.data() + stat.size();
  for (std::size_t field = 3; field < fields.size(); ++field) {
    while (at != end && *at == ' ') ++at;
    if (at == end) return {};
    std::int64_t value = 0;
    if (field > 3 && std::from_chars(at, end, value).ec != std::errc()) return {};
    fields[field] = static_cast<double>(value);
    while (at != end && *at != ' ') ++at;
  }
  auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessNumbers numbers;
  numbers.cpu_seconds = (fields[kUserTicks] + fields[kSystemTicks]) / ticks_per_second;
  numbers.resident_bytes = fields[kResidentPages] * static_cast<double>(::sysconf(_SC_PAGESIZE));
  numbers.virtual_bytes = fields[kVirtualBytes];
  numbers.start_time_seconds = boot_time_seconds + fields[kStartTicks] / ticks_per_second;
  numbers.threads = fields[kThreads];
  return numbers;
}

ProcessNumbers read_process_numbers() {
  ProcessNumbers numbers = parse_process_stat(read_start_of("/proc/self/stat", 4096), boot_time_seconds());
  numbers.open_fds = count_open_fds();
  numbers.max_fds = max_fds();
  return numbers;
}

std::size_t resident_bytes() { return resident_pages() * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

void register_process_families(Registry& registry) {
  // Families are collected in the order of their names. The first one reads all numbers, so that one scrape reads
  // /proc once and its numbers belong together.
  auto numbers = std::make_shared<ProcessNumbers>();
  registry.computed(families::kProcessCpu, [numbers](const Registry::Emit& emit) {
    *numbers = read_process_numbers();
    emit({}, numbers->cpu_seconds);
  });
  auto add = [&](const Family& family, double ProcessNumbers::* member) {
    registry.computed(family, [numbers, member](const Registry::Emit& emit) { emit({}, (*numbers).*member); });
  };
  add(families::kProcessResident, &ProcessNumbers::resident_bytes);
  add(families::kProcessVirtual, &ProcessNumbers::virtual_bytes);
  add(families::kProcessOpenFds, &ProcessNumbers::open_fds);
  add(families::kProcessMaxFds, &ProcessNumbers::max_fds);
  add(families::kProcessStartTime, &ProcessNumbers::start_time_seconds);
  add(families::kProcessThreads, &ProcessNumbers::threads);
}

}  // namespace weir::metrics
