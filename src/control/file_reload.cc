#include "control/file_reload.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "config/diff.h"
#include "config/read.h"
#include "metrics/families.h"

namespace weir::control {

namespace families = metrics::families;

namespace {

// Why the configuration did not take effect, as errors of the file.
config::Faults faults_of(const Catalog::Refusal& refusal, const std::string& path) {
  if (const auto* faults = std::get_if<config::Faults>(&refusal)) return *faults;
  std::string why = "another change of the configuration takes too long";
  if (const auto* error = std::get_if<store::Error>(&refusal)) why = error->message;
  return {{.at = {.file = path}, .path = "store", .message = std::move(why)}};
}

// The event of a reload that was refused, with the first of its errors.
std::string failed_reload(const config::Faults& faults) {
  constexpr std::size_t kMost = 10;
  std::string data =
      fmt::format(R"({{"object":"configuration","id":"","result":"failure","count":{},"errors":[)", faults.size());
  for (std::size_t i = 0; i < std::min(faults.size(), kMost); ++i) {
    data += i == 0 ? "\"" : ",\"";
    base::append_json_escaped(data, config::format(faults[i]));
    data += '"';
  }
  return data + "]}";
}

std::uint64_t unix_seconds() { return static_cast<std::uint64_t>(base::unix_milliseconds() / 1000); }

}  // namespace

base::LogLevel log_level_of(const config::Config& config) {
  if (config.log_level == "debug") return base::LogLevel::debug;
  if (config.log_level == "warning") return base::LogLevel::warning;
  if (config.log_level == "error") return base::LogLevel::error;
  return base::LogLevel::info;
}

FileReload::FileReload(Parts parts, std::string path, config::Config started_with)
    : parts_(parts), path_(std::move(path)), started_with_(std::move(started_with)) {
  succeeded_ = parts_.registry.counter(families::kConfigReloads, {"success"});
  failed_ = parts_.registry.counter(families::kConfigReloads, {"failure"});
  last_successful_ = parts_.registry.gauge(families::kConfigLastReloadSuccessful);
  last_success_at_ = parts_.registry.gauge(families::kConfigLastReloadSuccessTimestamp);
  last_successful_.set(parts_.metrics_slot, 1);
  last_success_at_.set(parts_.metrics_slot, unix_seconds());
}

net::Task<Reloaded> FileReload::reload() {
  parts_.access_logs.reopen();
  if (path_.empty()) {
    base::log_info("SIGHUP: logs reopened; there is no configuration file to read");
    co_return Reloaded();
  }
  base::Result<ChangeQueue::Turn> turn = co_await turns_.enter(base::TimePoint::max());
  if (!turn) co_return refuse({{.at = {.file = path_}, .path = "", .message = turn.error().what}});
  auto read = config::read_file(path_, parts_.catalog.kinds());
  if (!read) co_return refuse(std::move(read.error()));
  const config::Config before = parts_.catalog.file();
  std::vector<std::string> keys = needs_restart(*read);
  std::unique_ptr<access_log::Log> next_log;
  bool has_other_log = config::diff(before, *read).access_log;
  if (has_other_log) {
    auto opened = parts_.access_logs.open(read->access_log);
    if (!opened) co_return refuse({opened.error()});
    next_log = std::move(*opened);
  }
  Catalog::Outcome<void> outcome = co_await parts_.catalog.reload(std::move(*read));
  if (!outcome) co_return refuse(faults_of(outcome.error(), path_));
  if (has_other_log) parts_.access_logs.use(std::move(next_log));
  Reloaded reloaded{.needs_restart = std::move(keys)};
  if (parts_.settle) reloaded.late = co_await parts_.settle();
  accept(before, reloaded);
  co_return reloaded;
}

std::vector<std::string> FileReload::needs_restart(const config::Config& wanted) const {
  std::vector<std::string> keys;
  config::Diff since_start = config::diff(started_with_, wanted);
  if (started_with_.admin.listen != wanted.admin.listen) keys.emplace_back("admin.listen");
  if (since_start.store) keys.emplace_back("store");
  if (since_start.workers) keys.emplace_back("workers");
  return keys;
}

Reloaded FileReload::refuse(config::Faults faults) {
  for (const config::Fault& fault : faults) base::log_error("{}", config::format(fault));
  base::log_error("{} was not applied: {} error(s); the configuration stays as it was", path_, faults.size());
  failed_.add(parts_.metrics_slot);
  last_successful_.set(parts_.metrics_slot, 0);
  parts_.events.append("reload", failed_reload(faults));
  return Reloaded{.faults = std::move(faults)};
}

void FileReload::accept(const config::Config& before, const Reloaded& reloaded) {
  const config::Config& now = parts_.catalog.file();
  for (const std::string& line : config::summary(config::diff(before, now))) base::log_info("reload: {}", line);
  for (const std::string& key : reloaded.needs_restart) {
    base::log_warning("reload: the change of {} takes effect with the next start", key);
  }
  if (!before.admin.tokens.empty() && now.admin.tokens.empty()) {
    base::log_warning("reload: there are no admin.tokens any more: everybody on this machine may use the admin API");
  }
  base::set_log_level(log_level_of(now));
  succeeded_.add(parts_.metrics_slot);
  last_successful_.set(parts_.metrics_slot, 1);
  last_success_at_.set(parts_.metrics_slot, unix_seconds());
  parts_.events.append("reload",
                       fmt::format(R"({{"object":"configuration","id":"","result":"success","late_workers":[{}]}})",
                                   fmt::join(reloaded.late, ",")));
  if (reloaded.late.empty()) {
    base::log_info("reload: {} applied", path_);
  } else {
    base::log_warning("reload: {} accepted; {} of the workers will use it later", path_, reloaded.late.size());
  }
}

}  // namespace weir::control
