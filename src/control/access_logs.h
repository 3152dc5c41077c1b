// The access log that is in use, and those it has replaced.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "access_log/log.h"
#include "config/config.h"
#include "config/fault.h"
#include "front/worker_thread.h"
#include "worker/services.h"

namespace weir::control {

// Control thread only. Must live until the workers have ended.
class AccessLogs {
 public:
  // Services and workers are borrowed and outlive this. `worker_count` of them write lines, whether they are there yet
  // or not. Errors name the configuration's file.
  AccessLogs(worker::Services& services, const std::vector<front::WorkerThread*>& workers, std::uint32_t worker_count,
             std::string config_path)
      : services_(services), workers_(workers), worker_count_(worker_count), config_path_(std::move(config_path)) {}

  // A log for `wanted`, null when it is off; otherwise what is wrong with it.
  std::expected<std::unique_ptr<access_log::Log>, config::Fault> open(const config::AccessLog& wanted) const;
  // Workers write to `next` from now on; null: to none. The old one ends only when no worker can still be writing to
  // it. Nothing waits for that: its output may be stuck.
  void use(std::unique_ptr<access_log::Log> next);
  // After a rotation: opens the path again.
  void reopen();
  // Destroys those that have ended. Call it about once a second.
  void tick();
  // Lines lost since the start.
  std::uint64_t dropped() const;

 private:
  worker::Services& services_;
  const std::vector<front::WorkerThread*>& workers_;
  std::uint32_t worker_count_;
  std::string config_path_;
  std::unique_ptr<access_log::Log> present_;
  std::vector<std::unique_ptr<access_log::Log>> replaced_;  // until each has ended
  std::uint64_t dropped_before_ = 0;                        // by logs that are gone
};

}  // namespace weir::control
