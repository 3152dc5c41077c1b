// weir_process_*: what the kernel says of this process.
#pragma once

#include <string_view>

#include "metrics/registry.h"

namespace weir::metrics {

// Numbers of /proc/self at one moment. A number that could not be read is 0.
struct ProcessNumbers {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double start_time_seconds = 0;  // Unix time
  double threads = 0;
  double open_fds = 0;
  double max_fds = 0;  // +Inf without a limit
};
ProcessNumbers read_process_numbers();
// resident_bytes alone.
std::size_t resident_bytes();

// The part of ProcessNumbers that /proc/<pid>/stat holds. `boot_time_seconds` is btime of /proc/stat. All zero when
// `stat` is not of that form (proc(5)).
ProcessNumbers parse_process_stat(std::string_view stat, double boot_time_seconds);

// Registers the families; their values are read at each scrape.
void register_process_families(Registry& registry);

}  // namespace weir::metrics
