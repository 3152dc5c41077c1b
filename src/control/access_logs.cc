#include "control/access_logs.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace weir::control {

std::expected<std::unique_ptr<access_log::Log>, config::Fault> AccessLogs::open(const config::AccessLog& wanted) const {
  if (!wanted.enabled) return nullptr;
  auto fault = [&](std::string path, std::string message) {
    config::Origin file{.file = config_path_};
    return std::unexpected(config::Fault{.at = file, .path = std::move(path), .message = std::move(message)});
  };
  auto format = access_log::Format::compile(wanted.format);
  if (!format) return fault("access_log.format", format.error());
  auto opened = access_log::Log::open(std::move(*format), {.path = wanted.path, .workers = worker_count_});
  if (opened) return std::move(*opened);
  std::string why = std::strerror(opened.error().os_error);
  if (opened.error().os_error == ENOENT) {
    why = fmt::format("the folder {} does not exist", std::filesystem::absolute(wanted.path).parent_path().string());
  } else if (opened.error().os_error == EACCES) {
    why += "; the user that Weir runs as must be allowed to write there";
  }
  return fault("access_log.path", fmt::format("cannot write to {}: {}", wanted.path, why));
}

void AccessLogs::use(std::unique_ptr<access_log::Log> next) {
  services_.access_log = next.get();
  std::unique_ptr<access_log::Log> old = std::exchange(present_, std::move(next));
  if (old == nullptr) return;
  auto writers = std::make_shared<std::size_t>(workers_.size());  // counted on the control thread
  for (front::WorkerThread* thread : workers_) {
    thread->worker().reactor.post([control = services_.control, writers, log = old.get()] {
      control->post([writers, log] {
        if (--*writers == 0) log->end();
      });
    });
  }
  replaced_.push_back(std::move(old));
}

void AccessLogs::reopen() {
  if (present_) present_->reopen();
}

void AccessLogs::tick() {
  std::erase_if(replaced_, [this](const std::unique_ptr<access_log::Log>& log) {
    if (!log->has_ended()) return false;
    dropped_before_ += log->dropped();
    return true;
  });
}

std::uint64_t AccessLogs::dropped() const {
  std::uint64_t dropped = dropped_before_ + (present_ ? present_->dropped() : 0);
  for (const auto& log : replaced_) dropped += log->dropped();
  return dropped;
}

}  // namespace weir::control
