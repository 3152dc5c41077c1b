// One running Weir: owns every part, in floor order, and runs the control thread.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"

namespace weir::app {

// Exit codes of DESIGN section 4.
inline constexpr int kExitFine = 0;
inline constexpr int kExitBadConfiguration = 1;
inline constexpr int kExitCannotStart = 2;

// Everything that is registered by name, for whoever reads a configuration.
config::Kinds kinds();

struct RunOptions {
  std::string config_path;     // read again on SIGHUP; empty: Weir runs with `config` and what the API makes
  config::Config config;       // as read from it, or config::built_in_config()
  bool handle_signals = true;  // SIGHUP reloads, SIGTERM and SIGINT drain and end
};

// Blocks the signals that a running Weir handles, in this thread and those it starts. Called before anything else is
// done for a start: one that comes earlier than Weir is ready for it then waits, and does not end the process.
void block_signals();

// Runs on the calling thread until it is told to stop. Exactly one at a time in a process.
class Weir {
 public:
  explicit Weir(RunOptions options);
  ~Weir();
  Weir(const Weir&) = delete;
  Weir& operator=(const Weir&) = delete;

  // Opens everything: the store, the workers, the listeners, the admin API. Nothing, or the exit code; what went wrong
  // has been logged.
  std::optional<int> start();
  // Until SIGTERM, SIGINT or stop(); returns the exit code.
  int run();
  // Any thread: drains and makes run() return.
  void stop();
  // Addresses of a listener with their real ports; after start().
  std::vector<std::string> addresses(const std::string& listener) const;
  std::string admin_address() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weir::app
