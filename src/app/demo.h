// `weir demo`: three sample backends and Weir in front of them, in one process, with what to try printed.
#pragma once

#include <cstdint>

namespace weir::app {

struct DemoOptions {
  std::uint16_t port = 8080;        // of the listener
  std::uint16_t admin_port = 9090;  // of the admin API, on 127.0.0.1
  bool any_port = true;             // when one of the two is taken, another is used and said; otherwise that is exit 2
  bool access_log = false;          // a line on stdout for every request
};

// Runs until SIGINT or SIGTERM; returns the exit code.
int run_demo(const DemoOptions& options);

}  // namespace weir::app
