#include "app/weir.h"

#include <algorithm>
#include <csignal>
#include <sched.h>
#include <sys/resource.h>

#include "app/parts.h"
#include "app/signals.h"
#include "app/version.h"
#include "base/log.h"
#include "base/memory_reserve.h"
#include "control/instance_id.h"
#include "net/listener.h"

namespace weir::app {
namespace {

// As many as pool::WorkerSet has bits for; the configuration's limit as well.
constexpr int kMaxWorkers = 64;

// Cores this process may run on: what taskset and containers leave to it.
std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::clamp(CPU_COUNT(&set), 1, kMaxWorkers));
}

// Every connection needs two descriptors: take what the system allows. So many there are.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return SIZE_MAX;
  rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

void log_refusal(const control::Catalog::Refusal& refusal) {
  if (const auto* faults = std::get_if<config::Faults>(&refusal)) {
    for (const config::Fault& fault : *faults) base::log_error("{}", config::format(fault));
  } else if (const auto* error = std::get_if<store::Error>(&refusal)) {
    base::log_error("{}", error->message);
  }
}

template <typename T>
net::Task<void> keep(net::Task<T> task, std::optional<T>& result) {
  result.emplace(co_await task);
}

}  // namespace

Weir::Weir(RunOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Weir::~Weir() = default;
std::optional<int> Weir::start() { return parts_->start(); }
int Weir::run() { return parts_->run(); }
void Weir::stop() {
  parts_->traffic.control_reactor.post([parts = parts_.get()] { parts->drain(); });
}
std::vector<std::string> Weir::addresses(const std::string& listener) const {
  auto found = parts_->control.sockets->addresses().find(listener);
  return found == parts_->control.sockets->addresses().end() ? std::vector<std::string>() : found->second;
}
std::string Weir::admin_address() const { return parts_->admin->address(); }

Traffic::Traffic(std::uint32_t workers_wanted)
    : worker_count(workers_wanted > 0 ? workers_wanted : usable_cores()), registry(worker_count + 2) {
  control_reactor.adopt_thread();
}

Weir::Parts::Parts(RunOptions run_options) : options(std::move(run_options)), traffic(options.config.workers) {}

Weir::Parts::~Parts() {
  for (auto& worker : traffic.workers) {
    if (running_workers > 0) worker->drain({});
  }
  if (running_workers > 0) {
    for (auto& worker : traffic.workers) worker->join();
  }
}

template <typename T>
std::optional<T> Weir::Parts::finish(net::Task<T> task) {
  std::optional<T> result;
  net::TaskGroup group;
  traffic.control_reactor.run_once(traffic.control_reactor.now());  // so that it begins with the present time
  group.spawn(keep(std::move(task), result));
  while (group.size() > 0) traffic.control_reactor.run_once(base::TimePoint::max());
  return result;
}

std::optional<int> Weir::Parts::start() {
  base::set_log_level(control::log_level_of(options.config));
  descriptor_limit = raise_descriptor_limit();
  base::memory_reserve::keep();
  // A failed write is an error of that write, not the end of the process: a closed connection, a file at the
  // limit of its size (RLIMIT_FSIZE).
  for (int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  base::Result<int> signals = options.handle_signals ? open_signals() : -1;
  if (!signals) {
    base::log_error("{}", base::cause(signals.error()));
    return kExitCannotStart;
  }
  if (std::optional<int> failed = open_access_log()) return failed;
  auto opened = store::open_store(options.config.store);
  if (!opened) {
    base::log_error("{}", opened.error().message);
    return kExitCannotStart;
  }
  control.store = std::move(*opened);
  std::optional<std::string> id = finish(control::instance_id(*control.store, options.config.admin.listen));
  make_workers();
  make_probes();
  make_publisher();
  make_catalog();
  make_api(id.value_or("weir"));
  register_metrics();

  base::Result<void> admin_open = admin->open(options.config.admin.listen);
  if (!admin_open) {
    base::log_error("admin.listen: {}", net::listen_failure(options.config.admin.listen, admin_open.error()));
    return give_up(kExitCannotStart);
  }
  if (std::optional<int> failed = start_catalog()) return give_up(*failed);
  running_workers = traffic.workers.size();
  for (auto& worker : traffic.workers) worker->start();
  chores.spawn(control.steward->run());
  if (*signals >= 0) {
    chores.spawn(
        follow_signals(*signals, {.reload = [this] { chores.spawn(follow_hangup()); }, .stop = [this] { drain(); }}));
  }
  admin->serve();
  base::log_info("{}", traffic.services.descriptors.summary());
  base::log_info("weir {} runs with {} workers; admin API on {}", kVersion, traffic.worker_count, admin->address());
  return std::nullopt;
}

std::optional<int> Weir::Parts::open_access_log() {
  traffic.access_logs = std::make_unique<control::AccessLogs>(traffic.services, traffic.all_workers,
                                                              traffic.worker_count, options.config_path);
  auto log = traffic.access_logs->open(options.config.access_log);
  if (!log) {
    base::log_error("{}", config::format(log.error()));
    return log.error().path == "access_log.format" ? kExitBadConfiguration : kExitCannotStart;
  }
  traffic.access_logs->use(std::move(*log));
  return std::nullopt;
}

std::optional<int> Weir::Parts::start_catalog() {
  std::optional<control::Catalog::Outcome<void>> started = finish(control.catalog->start(options.config));
  if (started && *started) return std::nullopt;
  if (!started) return kExitCannotStart;
  log_refusal(started->error());
  bool is_bad = std::holds_alternative<config::Faults>(started->error()) && !control.cannot_listen;
  return is_bad ? kExitBadConfiguration : kExitCannotStart;
}

int Weir::Parts::give_up(int exit_code) {
  closing.spawn(close_all());
  traffic.control_reactor.run();
  while (closing.size() > 0) traffic.control_reactor.run_once(traffic.control_reactor.now());
  return exit_code;
}

int Weir::Parts::run() {
  traffic.control_reactor.run();
  for (auto& worker : traffic.workers) worker->join();
  while (closing.size() > 0) traffic.control_reactor.run_once(traffic.control_reactor.now());
  base::log_info("weir has ended");
  return kExitFine;
}

net::Task<control::Reloaded> Weir::Parts::reload() {
  control::Reloaded reloaded = co_await control.file->reload();
  if (reloaded.faults.empty()) control.steward->follow_configuration();
  co_return reloaded;
}

net::Task<void> Weir::Parts::follow_hangup() {
  control::Reloaded reloaded = co_await reload();
  static_cast<void>(reloaded);  // it is logged
}

void Weir::Parts::drain() {
  if (std::exchange(is_draining, true)) return;
  for (auto& worker : traffic.workers) worker->drain(control.catalog->config().drain_timeout);
  base::log_info("stopping: no new connections; those in progress have {} s",
                 std::chrono::duration_cast<std::chrono::seconds>(control.catalog->config().drain_timeout).count());
}

void Weir::Parts::worker_ended() {
  traffic.control_reactor.post([this] {
    control.delivery->look_again();
    if (--running_workers == 0) closing.spawn(close_all());
  });
}

// The chores first: they may still use everything else.
net::Task<void> Weir::Parts::close_all() {
  co_await admin->close();
  chores.cancel();
  co_await chores.join();
  co_await control.names->close();
  control.prober.reset();
  traffic.control_reactor.stop();
}

}  // namespace weir::app
