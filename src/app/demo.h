// `weir demo`: three sample backends and Weir in front of them, in one process, with what to try printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::app {

struct DemoOptions {
  std::uint16_t port = 8080;        // of the listener
  std::uint16_t admin_port = 9090;  // of the admin API, on 127.0.0.1
  bool any_port = true;             // when one of the two is taken, another is used and said; otherwise that is exit 2
  bool access_log = false;          // a line on stdout for every request
};

// Runs until SIGINT or SIGTERM; returns the exit code.
int run_demo(const DemoOptions& options);

// The text that a person in `folder` types to call `program`, an absolute path: "weir" where `search_path` finds it (as
// PATH is written), else its path, from the folder on when it is below, quoted for a shell where it must be.
std::string how_to_call(const std::string& program, const std::string& folder, std::string_view search_path);

}  // namespace weir::app
