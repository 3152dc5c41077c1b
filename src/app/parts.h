// The parts of a running Weir, in floor order; for app/weir*.cc only.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "access_log/log.h"
#include "api/admin_server.h"
#include "api/api.h"
#include "app/weir.h"
#include "control/access_logs.h"
#include "control/catalog.h"
#include "control/certificates.h"
#include "control/delivery.h"
#include "control/ejections.h"
#include "control/file_reload.h"
#include "control/filters.h"
#include "control/publisher.h"
#include "control/sockets.h"
#include "control/steward.h"
#include "front/tls_stage.h"
#include "front/worker_thread.h"
#include "health/prober.h"
#include "metrics/registry.h"
#include "net/dns_watch.h"

namespace weir::app {

// The parts that carry traffic. The order matters: messages that the reactors still have may hold the last snapshots,
// which use the libraries and count in the registry.
struct Traffic {
  // One worker for each core when `workers_wanted` is 0.
  explicit Traffic(std::uint32_t workers_wanted);

  std::uint32_t worker_count;
  metrics::Registry registry;  // its writers: the workers, then the control thread, then the health thread
  std::vector<std::unique_ptr<tls::Library>> libraries;  // one per worker, and the health thread's
  net::Reactor control_reactor;
  std::unique_ptr<front::TlsMetrics> tls_metrics;
  worker::Services services;
  std::unique_ptr<control::AccessLogs> access_logs;
  std::vector<std::unique_ptr<front::WorkerThread>> workers;
  std::vector<front::WorkerThread*> all_workers;  // the same
  filter::PasswordChecks passwords;               // answers to reactors of workers, so it goes before them
  std::vector<upstream::Peer> peers;
};

// The parts that decide how traffic is carried.
struct Control {
  std::unique_ptr<store::Store> store;
  control::EventLog events;
  std::unique_ptr<control::Sockets> sockets;
  std::unique_ptr<control::Delivery> delivery;
  std::unique_ptr<control::Certificates> certificates;
  std::unique_ptr<control::Filters> filters;
  std::unique_ptr<net::Resolver> resolver;
  std::unique_ptr<net::NameWatch> names;
  std::unique_ptr<control::Publisher> publisher;
  std::unique_ptr<control::Ejections> ejections;
  std::unique_ptr<control::Catalog> catalog;
  std::unique_ptr<health::Prober> prober;
  std::unique_ptr<control::Steward> steward;
  std::unique_ptr<control::FileReload> file;
  bool cannot_listen = false;  // the last faults were of addresses, not of the configuration
};

// All functions run on the control thread unless they say otherwise.
struct Weir::Parts {
  explicit Parts(RunOptions run_options);
  ~Parts();

  std::optional<int> start();
  int run();
  // Begins to end: no new connections; those in progress have the configuration's drain_timeout.
  void drain();

  // -- weir.cc: from start to end
  int give_up(int exit_code);  // closes what start() has opened before something went wrong
  // Runs the control thread until `task` has ended; nothing when memory could not be had.
  template <typename T>
  std::optional<T> finish(net::Task<T> task);
  std::optional<int> open_access_log();
  std::optional<int> start_catalog();
  net::Task<control::Reloaded> reload();
  net::Task<void> follow_hangup();
  void worker_ended();  // any thread
  net::Task<void> close_all();

  // -- parts.cc: putting it together
  void make_workers();
  void make_probes();
  void make_publisher();
  void make_catalog();
  void make_api(std::string load_balancer_id);
  void register_metrics();
  config::Faults prepare(const control::Effective& wanted, control::Reading reading);
  std::shared_ptr<const pool::Addresses> resolve(const std::string& host, std::uint16_t port) const;

  RunOptions options;
  base::SteadyClock clock;
  Traffic traffic;
  Control control;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<api::AdminServer> admin;

  std::size_t running_workers = 0;
  std::size_t descriptor_limit = SIZE_MAX;
  bool is_draining = false;
  net::TaskGroup chores;
  net::TaskGroup closing;  // close_all(), which ends the chores
};

}  // namespace weir::app
