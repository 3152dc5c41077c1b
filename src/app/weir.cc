#include "app/weir.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sched.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/parts.h"
#include "app/version.h"
#include "base/log.h"
#include "base/memory_reserve.h"
#include "control/computed_metrics.h"
#include "control/instance_id.h"
#include "metrics/families.h"
#include "metrics/process.h"
#include "net/listener.h"

namespace weir::app {

namespace families = metrics::families;

namespace {

// As many as pool::Backend has bits for (idle_workers, waiting_workers); the configuration's limit as well.
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

sigset_t handled_signals() {
  sigset_t handled;
  sigemptyset(&handled);
  for (int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&handled, signal);
  return handled;
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

base::LogLevel level_of(const std::string& name) {
  if (name == "debug") return base::LogLevel::debug;
  if (name == "warning") return base::LogLevel::warning;
  if (name == "error") return base::LogLevel::error;
  return base::LogLevel::info;
}

void block_signals() {
  sigset_t handled = handled_signals();
  pthread_sigmask(SIG_BLOCK, &handled, nullptr);
}

Weir::Weir(RunOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Weir::~Weir() = default;
std::optional<int> Weir::start() { return parts_->start(); }
int Weir::run() { return parts_->run(); }
void Weir::stop() {
  parts_->control_reactor.post([parts = parts_.get()] { parts->begin_drain(); });
}
std::vector<std::string> Weir::addresses(const std::string& listener) const {
  auto found = parts_->sockets->addresses().find(listener);
  return found == parts_->sockets->addresses().end() ? std::vector<std::string>() : found->second;
}
std::string Weir::admin_address() const { return parts_->admin->address(); }

// The registry's writers: the workers, then the control thread, then the health thread.
Weir::Parts::Parts(RunOptions run_options)
    : options(std::move(run_options)),
      worker_count(options.config.workers > 0 ? options.config.workers : usable_cores()),
      registry(worker_count + 2) {
  control_reactor.adopt_thread();
}

Weir::Parts::~Parts() {
  for (auto& worker : workers) {
    if (running_workers > 0) worker->drain({});
  }
  if (running_workers > 0) {
    for (auto& worker : workers) worker->join();
  }
}

std::expected<std::unique_ptr<access_log::Log>, config::Fault> Weir::Parts::open_access_log(
    const config::AccessLog& wanted) {
  if (!wanted.enabled) return nullptr;
  auto fault = [&](std::string path, std::string message) {
    config::Origin file{.file = options.config_path};
    return std::unexpected(config::Fault{.at = file, .path = std::move(path), .message = std::move(message)});
  };
  auto format = access_log::Format::compile(wanted.format);
  if (!format) return fault("access_log.format", format.error());
  auto opened = access_log::Log::open(std::move(*format), {.path = wanted.path, .workers = worker_count});
  if (opened) return std::move(*opened);
  std::string why = std::strerror(opened.error().os_error);
  if (opened.error().os_error == ENOENT) {
    why = fmt::format("the folder {} does not exist", std::filesystem::absolute(wanted.path).parent_path().string());
  } else if (opened.error().os_error == EACCES) {
    why += "; the user that Weir runs as must be allowed to write there";
  }
  return fault("access_log.path", fmt::format("cannot write to {}: {}", wanted.path, why));
}

template <typename T>
std::optional<T> Weir::Parts::finish(net::Task<T> task) {
  std::optional<T> result;
  net::TaskGroup group;
  control_reactor.run_once(control_reactor.now());  // so that it begins with the present time
  group.spawn(keep(std::move(task), result));
  while (group.size() > 0) control_reactor.run_once(base::TimePoint::max());
  return result;
}

void Weir::Parts::make_workers() {
  services.registry = &registry;
  services.control = &control_reactor;
  services.client_bytes_in = registry.counter(families::kBytes, {"client_in"});
  services.client_bytes_out = registry.counter(families::kBytes, {"client_out"});
  services.backend_bytes_in = registry.counter(families::kBytes, {"backend_in"});
  services.backend_bytes_out = registry.counter(families::kBytes, {"backend_out"});
  services.connect_failed = [this](const pool::Backend& backend, const base::Error& error) {
    prober->report_connect_failure(backend, error);
  };
  services.worker_ended = [this] { worker_ended(); };
  tls_metrics = std::make_unique<front::TlsMetrics>(registry);
  services.worker_count = worker_count;
  for (std::uint32_t i = 0; i < worker_count; ++i) {
    libraries.push_back(std::make_unique<tls::Library>());
    workers.push_back(std::make_unique<front::WorkerThread>(i, services, *tls_metrics, all_workers));
    all_workers.push_back(workers.back().get());
    worker::Worker& worker = workers.back()->worker();
    peers.push_back({.reactor = &worker.reactor, .connections = &worker.connections});
  }
  for (auto& thread : workers) thread->worker().connections.set_peers(peers);
}

// What a configuration takes before it is accepted: listening sockets, and everything of TLS.
control::Catalog::Resources Weir::Parts::resources() {
  return {.prepare =
              [this](const control::Effective& wanted, control::Reading reading) {
                if (draining) {
                  return config::Faults{
                      {.at = {}, .path = "", .message = "Weir is stopping and takes no changes any more"}};
                }
                config::Faults faults = certificates->prepare(wanted, reading);
                bool is_good = faults.empty();
                if (is_good) faults = sockets->prepare(*wanted.config);
                cannot_listen = is_good && !faults.empty();
                if (!faults.empty()) certificates->abandon();
                return faults;
              },
          .abandon =
              [this] {
                sockets->abandon();
                certificates->abandon();
              },
          .accept =
              [this] {
                certificates->accept();
                sockets->accept();
              },
          .set_aside = [this](const control::ObjectName& name,
                              const std::string& reason) { tell_set_aside(name, reason); }};
}

void Weir::Parts::make_control() {
  sockets = std::make_unique<control::Sockets>(all_workers, registry);
  std::vector<tls::Library*> of_workers;
  of_workers.reserve(libraries.size());
  for (const auto& library : libraries) of_workers.push_back(library.get());
  libraries.push_back(std::make_unique<tls::Library>());
  certificates = std::make_unique<control::Certificates>(control::Certificates::Options{
      .libraries = std::move(of_workers), .probing = libraries.back().get(), .unix_time = [] {
        return base::unix_milliseconds() / 1000;
      }});
  resolver = std::make_unique<net::Resolver>();
  names = std::make_unique<net::NameWatch>(*resolver, net::NameWatchOptions{},
                                           [this](const std::string& host, const std::vector<base::IpAddress>&) {
                                             publisher->addresses_changed(host);
                                             addresses_changed = true;
                                             poke();
                                           });
  prober = std::make_unique<health::Prober>(
      health::ProberOptions{.max_in_flight = std::min<std::size_t>(512, net::kept_descriptors(descriptor_limit) / 4),
                            .registry = &registry,
                            .metrics_slot = worker_count + 1},
      [this](const health::Transition& news) { control_reactor.post([this, news] { transition(news); }); });
  control::Publisher::Options publishing;
  publishing.workers = worker_count;
  publishing.registry = &registry;
  publishing.resolve = [this](const std::string& host, std::uint16_t port) { return resolve(host, port); };
  publishing.resolve_error = [this](const std::string& host) {
    const base::Error* error = names->error(host);
    return std::string(error == nullptr ? "" : error->what);
  };
  publishing.listener_tls = [this](const config::Listener& listener) {
    return certificates->of_listener(listener.name);
  };
  publishing.pool_tls = [this](const config::Pool& pool) { return certificates->of_pool(pool); };
  publishing.publish = [this](std::shared_ptr<const worker::Snapshot> snapshot) { publish(std::move(snapshot)); };
  publishing.leave = [this](const std::shared_ptr<pool::Backend>& backend, config::Duration timeout, bool removed) {
    leave(backend, timeout, removed);
  };
  publisher = std::make_unique<control::Publisher>(std::move(publishing));
  catalog = std::make_unique<control::Catalog>(*store, *publisher, kinds(), clock, resources());
  api = std::make_unique<api::Api>(api::Api::Parts{
      .catalog = *catalog,
      .publisher = *publisher,
      .registry = registry,
      .events = events,
      .clock = clock,
      .load_balancer_id = finish(control::instance_id(*store, options.config.admin.listen)).value_or("weir"),
      .version = std::string(kVersion),
      .health = [this](const pool::Backend& backend) { return prober->details(backend); },
      .is_draining = [this] { return draining; },
      .reload = options.config_path.empty() ? std::function<net::Task<api::Reloaded>()>() : [this] { return reload(); },
      .certificates = certificates.get()});
  admin = std::make_unique<api::AdminServer>(*api, events, net::kept_descriptors(descriptor_limit) / 4);
}

void Weir::Parts::register_metrics() {
  control::register_computed_metrics(registry, *publisher);
  metrics::register_process_families(registry);
  registry.computed(families::kAccessLogDropped, [this](const metrics::Registry::Emit& emit) {
    std::uint64_t dropped = lines_dropped_before + (access_log ? access_log->dropped() : 0);
    for (const auto& log : replaced_logs) dropped += log->dropped();
    emit({}, static_cast<double>(dropped));
  });
  registry.computed(families::kTlsCertificateNotAfter, [this](const metrics::Registry::Emit& emit) {
    for (const auto& [name, certificate] : certificates->in_use()) {
      emit({{"certificate", name}}, static_cast<double>(certificate->not_after));
    }
  });
  registry.computed(families::kConfigObjectsSetAside, [this](const metrics::Registry::Emit& emit) {
    emit({}, static_cast<double>(catalog->set_aside().size()));
  });
  registry.computed(families::kStorePendingChanges, [this](const metrics::Registry::Emit& emit) {
    emit({}, static_cast<double>(catalog->unstored().size()));
  });
  std::uint32_t slot = worker_count;
  registry.gauge(families::kBuildInfo, {kVersion, kCompiler}).set(slot, 1);
  registry.gauge(families::kWorkers).set(slot, worker_count);
  reloads_succeeded = registry.counter(families::kConfigReloads, {"success"});
  reloads_failed = registry.counter(families::kConfigReloads, {"failure"});
  last_reload_successful = registry.gauge(families::kConfigLastReloadSuccessful);
  last_reload_at = registry.gauge(families::kConfigLastReloadSuccessTimestamp);
  last_reload_successful.set(slot, 1);
  last_reload_at.set(slot, static_cast<std::uint64_t>(base::unix_milliseconds() / 1000));
}

std::optional<int> Weir::Parts::start() {
  base::set_log_level(level_of(options.config.log_level));
  descriptor_limit = raise_descriptor_limit();
  base::memory_reserve::keep();
  // What cannot be written is an error of that write, not the end of the process: a closed connection, a file at the
  // limit of its size (RLIMIT_FSIZE).
  for (int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  int signal_fd = -1;
  if (options.handle_signals) {
    block_signals();  // before any thread starts, so that only the control thread takes them
    sigset_t handled = handled_signals();
    signal_fd = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  auto log = open_access_log(options.config.access_log);
  if (!log) {
    base::log_error("{}", config::format(log.error()));
    return log.error().path == "access_log.format" ? kExitBadConfiguration : kExitCannotStart;
  }
  access_log = std::move(*log);
  services.access_log = access_log.get();
  auto opened = store::open_store(options.config.store);
  if (!opened) {
    base::log_error("{}", opened.error().message);
    return kExitCannotStart;
  }
  store = std::move(*opened);
  make_workers();
  make_control();
  register_metrics();

  base::Result<void> admin_open = admin->open(options.config.admin.listen);
  if (!admin_open) {
    base::log_error("admin.listen: {}", net::listen_failure(options.config.admin.listen, admin_open.error()));
    return give_up(kExitCannotStart);
  }
  std::optional<control::Catalog::Outcome<void>> started = finish(catalog->start(options.config));
  if (!started || !*started) {
    if (started) log_refusal(started->error());
    bool is_bad = started && std::holds_alternative<config::Faults>(started->error()) && !cannot_listen;
    return give_up(is_bad ? kExitBadConfiguration : kExitCannotStart);
  }
  running_workers = workers.size();
  for (auto& worker : workers) worker->start();
  chores.spawn(maintain());
  chores.spawn(catalog->follow_store());
  admin->serve();
  if (signal_fd >= 0) chores.spawn(follow_signals(signal_fd));
  base::log_info("weir {} runs with {} workers; admin API on {}", kVersion, worker_count, admin->address());
  return std::nullopt;
}

int Weir::Parts::give_up(int exit_code) {
  closing.spawn(close_all());
  control_reactor.run();
  while (closing.size() > 0) control_reactor.run_once(control_reactor.now());
  return exit_code;
}

int Weir::Parts::run() {
  control_reactor.run();
  for (auto& worker : workers) worker->join();
  while (closing.size() > 0) control_reactor.run_once(control_reactor.now());
  base::log_info("weir has ended");
  return kExitFine;
}

}  // namespace weir::app
