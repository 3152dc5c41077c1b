// The parts of a running Weir, in floor order; for app/weir*.cc only.
#pragma once

#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "access_log/log.h"
#include "api/admin_server.h"
#include "api/api.h"
#include "app/weir.h"
#include "base/log.h"
#include "control/catalog.h"
#include "control/certificates.h"
#include "control/publisher.h"
#include "control/sockets.h"
#include "front/tls_stage.h"
#include "front/worker_thread.h"
#include "health/prober.h"
#include "metrics/registry.h"
#include "net/dns_watch.h"

namespace weir::app {

// Of `log_level` in the configuration.
base::LogLevel level_of(const std::string& name);

// All functions run on the control thread unless they say otherwise.
struct Weir::Parts {
  explicit Parts(RunOptions run_options);
  ~Parts();

  // -- weir.cc: putting it together
  std::optional<int> start();
  int run();
  int give_up(int exit_code);  // closes what start() has opened before something went wrong
  // A log for `wanted`, null when it is off; otherwise what is wrong with it.
  std::expected<std::unique_ptr<access_log::Log>, config::Fault> open_access_log(const config::AccessLog& wanted);
  // Runs the control thread until `task` has ended; nothing when memory could not be had.
  template <typename T>
  std::optional<T> finish(net::Task<T> task);
  void make_workers();
  void make_control();
  control::Catalog::Resources resources();
  void register_metrics();

  // -- control_loop.cc: keeping it going
  net::Task<void> follow_signals(int signal_fd);
  net::Task<void> maintain();
  void leave(const std::shared_ptr<pool::Backend>& backend, base::Nanoseconds timeout, bool removed);
  void cut_off_leaving(base::TimePoint now);
  base::TimePoint maintain_once(base::TimePoint& next_tick);
  void follow_memory(base::TimePoint now);
  net::Task<void> close_all();
  void poke() { poked->wake(); }
  void publish(std::shared_ptr<const worker::Snapshot> snapshot);
  void divide_descriptors(const worker::Snapshot& snapshot);
  void follow_generation();
  net::Task<void> refresh_files();
  net::Task<void> follow_hangup();
  net::Task<api::Reloaded> reload();
  void replace_access_log(std::unique_ptr<access_log::Log> next);  // null: off from now on
  void forget_ended_logs();
  void begin_drain();
  void worker_ended();  // any thread
  void transition(const health::Transition& transition);
  void tell_set_aside(const control::ObjectName& name, const std::string& reason);  // empty: taken back
  std::shared_ptr<const pool::Addresses> resolve(const std::string& host, std::uint16_t port) const;

  RunOptions options;
  std::uint32_t worker_count;
  metrics::Registry registry;
  base::SteadyClock clock;
  // One per worker, and the health thread's. Outlive the reactors, whose messages may hold the last snapshots.
  std::vector<std::unique_ptr<tls::Library>> libraries;
  net::Reactor control_reactor;
  std::unique_ptr<front::TlsMetrics> tls_metrics;
  std::unique_ptr<access_log::Log> access_log;
  std::vector<std::unique_ptr<access_log::Log>> replaced_logs;  // until each has ended
  worker::Services services;
  std::vector<std::unique_ptr<front::WorkerThread>> workers;
  std::vector<front::WorkerThread*> all_workers;  // the same
  std::vector<upstream::Peer> peers;
  std::unique_ptr<store::Store> store;
  control::EventLog events;
  std::unique_ptr<control::Sockets> sockets;
  std::unique_ptr<control::Certificates> certificates;
  std::unique_ptr<net::Resolver> resolver;
  std::unique_ptr<net::NameWatch> names;
  std::unique_ptr<control::Publisher> publisher;
  std::unique_ptr<control::Catalog> catalog;
  std::unique_ptr<health::Prober> prober;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<api::AdminServer> admin;

  std::unique_ptr<net::Waiter> poked = std::make_unique<net::Waiter>();
  std::uint64_t followed_generation = 0;
  bool addresses_changed = false;          // the prober must hear of it, once the workers have
  std::uint64_t lines_dropped_before = 0;  // by access logs that were replaced
  // Backends that were drained, disabled or removed, until their drain timeout. Holds none that nothing else uses.
  struct Leaving {
    std::weak_ptr<pool::Backend> backend;
    base::TimePoint when;
    bool removed = false;
  };
  std::map<const pool::Backend*, Leaving> leaving;
  base::TimePoint next_cut = base::TimePoint::max();  // when cut_off_leaving() has something to do
  std::size_t running_workers = 0;
  std::size_t descriptor_limit = SIZE_MAX;
  base::TimePoint next_memory_complaint{};
  base::TimePoint next_give_back{};
  base::TimePoint next_trim{};
  control::ChangeQueue reloads;
  bool refreshing = false;  // refresh_files() is under way
  bool draining = false;
  bool cannot_listen = false;  // the last faults were of addresses, not of the configuration
  metrics::Counter reloads_succeeded, reloads_failed, last_reload_successful, last_reload_at;
  net::TaskGroup chores;
  net::TaskGroup closing;  // close_all(), which ends the chores
};

}  // namespace weir::app
