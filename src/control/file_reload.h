// Reading the configuration file again while Weir runs.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "control/access_logs.h"
#include "control/catalog.h"
#include "control/change_queue.h"
#include "control/delivery.h"
#include "control/event_log.h"
#include "metrics/registry.h"
#include "net/task.h"

namespace weir::control {

// The result of reading the configuration file again.
struct Reloaded {
  config::Faults faults{};                   // of the file; empty: it is applied
  std::vector<std::string> needs_restart{};  // keys whose change takes effect with the next start
  LateWorkers late{};                        // workers that use the configuration before still
};

base::LogLevel log_level_of(const config::Config& config);

// Control thread only.
class FileReload {
 public:
  // Borrowed; outlive this.
  struct Parts {
    Catalog& catalog;
    AccessLogs& access_logs;
    EventLog& events;
    metrics::Registry& registry;
    std::uint32_t metrics_slot;  // the control thread's
    Settle settle = {};          // optional
  };
  // `path` is empty when Weir runs without a file. `started_with`: what the process was started with, for settings that
  // take effect at a start only.
  FileReload(Parts parts, std::string path, config::Config started_with);

  // Reads the file and applies it, all of it or nothing; reopens logs in any case. Ends when the workers use it, and
  // logs what came of it.
  net::Task<Reloaded> reload();

 private:
  Reloaded refuse(config::Faults faults);
  std::vector<std::string> needs_restart(const config::Config& wanted) const;
  void accept(const config::Config& before, const Reloaded& reloaded);

  Parts parts_;
  std::string path_;
  config::Config started_with_;
  ChangeQueue turns_;  // each file is compared with the one before
  metrics::Counter succeeded_, failed_, last_successful_, last_success_at_;
};

}  // namespace weir::control
