// The sample backends of `weir demo`: small HTTP servers in a thread of their own, of different speed, which can be
// killed and revived.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace weir::app {

struct DemoBackend {
  std::string name;
  std::chrono::milliseconds delay;  // before each answer but that of /health
  std::uint16_t port = 0;           // wanted: taken if it is free; after start() the real one
};

// start(), then stop() before destruction. Signals that the process handles must be blocked before start(): the thread
// takes none.
class DemoBackends {
 public:
  explicit DemoBackends(std::vector<DemoBackend> backends);
  ~DemoBackends();
  DemoBackends(const DemoBackends&) = delete;
  DemoBackends& operator=(const DemoBackends&) = delete;

  // Listens on loopback and starts the thread. `control_port` is where backends are killed and revived, by
  // POST /NAME/kill and POST /NAME/revive; taken if it is free.
  base::Result<void> start(std::uint16_t control_port);
  // Ends every connection and the thread.
  void stop();

  const std::vector<DemoBackend>& backends() const { return backends_; }
  std::uint16_t control_port() const { return control_port_; }

 private:
  struct Parts;
  std::vector<DemoBackend> backends_;
  std::uint16_t control_port_ = 0;
  std::unique_ptr<Parts> parts_;
};

// Listens on 127.0.0.1 at `wanted`, or at any free port when that is taken. The socket is not on a reactor yet.
base::Result<int> listen_on_loopback(std::uint16_t wanted);

}  // namespace weir::app
