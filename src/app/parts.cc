// How the parts of Weir are made and put together.
#include "app/parts.h"

#include <algorithm>

#include "app/version.h"
#include "control/computed_metrics.h"
#include "metrics/families.h"
#include "metrics/process.h"
#include "net/descriptor_budget.h"

namespace weir::app {

namespace families = metrics::families;

void Weir::Parts::make_workers() {
  traffic.services.registry = &traffic.registry;
  traffic.services.control = &traffic.control_reactor;
  traffic.services.client_bytes_in = traffic.registry.counter(families::kBytes, {"client_in"});
  traffic.services.client_bytes_out = traffic.registry.counter(families::kBytes, {"client_out"});
  traffic.services.backend_bytes_in = traffic.registry.counter(families::kBytes, {"backend_in"});
  traffic.services.backend_bytes_out = traffic.registry.counter(families::kBytes, {"backend_out"});
  traffic.services.connect_failed = [this](const pool::Backend& backend, const base::Error& error) {
    control.prober->report_connect_failure(backend, error);
  };
  traffic.services.ejection = [this](worker::EjectionNews news) {
    traffic.control_reactor.post([this, news = std::move(news)] { control.steward->ejection(news); });
  };
  traffic.services.worker_ended = [this] { worker_ended(); };
  traffic.services.snapshot_confirmed = [this] {
    traffic.control_reactor.post([this] { control.delivery->look_again(); });
  };
  traffic.tls_metrics = std::make_unique<front::TlsMetrics>(traffic.registry);
  traffic.services.worker_count = traffic.worker_count;
  for (std::uint32_t i = 0; i < traffic.worker_count; ++i) {
    traffic.libraries.push_back(std::make_unique<tls::Library>());
    traffic.workers.push_back(
        std::make_unique<front::WorkerThread>(i, traffic.services, *traffic.tls_metrics, traffic.all_workers));
    traffic.all_workers.push_back(traffic.workers.back().get());
    worker::Worker& worker = traffic.workers.back()->worker();
    traffic.peers.push_back(worker.links.as_peer(worker.reactor));
  }
  for (auto& thread : traffic.workers) thread->worker().links.set_peers(traffic.peers);
}

// Probes and look-ups of names.
void Weir::Parts::make_probes() {
  control.resolver = std::make_unique<net::Resolver>();
  control.names = std::make_unique<net::NameWatch>(
      *control.resolver, net::NameWatchOptions{}, [this](const std::string& host, const std::vector<base::IpAddress>&) {
        control.steward->addresses_changed(host);
      });
  control.prober = std::make_unique<health::Prober>(
      health::ProberOptions{.max_in_flight = std::min<std::size_t>(512, net::kept_descriptors(descriptor_limit) / 4),
                            .registry = &traffic.registry,
                            .metrics_slot = traffic.worker_count + 1,
                            .on_agent =
                                [this](const health::AgentNews& news) {
                                  traffic.control_reactor.post([this, news] { control.steward->agent(news); });
                                },
                            .on_suspicion =
                                [this](const health::Suspicion& news) {
                                  traffic.control_reactor.post([this, news] { control.steward->suspect(news); });
                                }},
      [this](const health::Transition& news) {
        traffic.control_reactor.post([this, news] { control.steward->transition(news); });
      });
}

std::shared_ptr<const pool::Addresses> Weir::Parts::resolve(const std::string& host, std::uint16_t port) const {
  const std::vector<base::IpAddress>* found = control.names->addresses(host);
  if (found == nullptr || found->empty()) return nullptr;
  auto addresses = std::make_shared<pool::Addresses>();
  for (const base::IpAddress& ip : *found) addresses->push_back({.ip = ip, .port = port});
  return addresses;
}

void Weir::Parts::make_publisher() {
  control.sockets = std::make_unique<control::Sockets>(traffic.all_workers, traffic.registry);
  control.delivery =
      std::make_unique<control::Delivery>(traffic.services, traffic.all_workers, *control.sockets, descriptor_limit);
  std::vector<tls::Library*> of_workers;
  of_workers.reserve(traffic.libraries.size());
  for (const auto& library : traffic.libraries) of_workers.push_back(library.get());
  traffic.libraries.push_back(std::make_unique<tls::Library>());
  control.certificates = std::make_unique<control::Certificates>(control::Certificates::Options{
      .libraries = std::move(of_workers), .probing = traffic.libraries.back().get(), .unix_time = [] {
        return base::unix_milliseconds() / 1000;
      }});
  control.filters = std::make_unique<control::Filters>(traffic.worker_count, &traffic.passwords);
  control::Publisher::Options publishing;
  publishing.workers = traffic.worker_count;
  publishing.registry = &traffic.registry;
  publishing.resolve = [this](const std::string& host, std::uint16_t port) { return resolve(host, port); };
  publishing.resolve_error = [this](const std::string& host) {
    const base::Error* error = control.names->error(host);
    return std::string(error == nullptr ? "" : error->what);
  };
  publishing.listener_tls = [this](const config::Listener& listener) {
    return control.certificates->of_listener(listener.name);
  };
  publishing.pool_tls = [this](const config::Pool& pool) { return control.certificates->of_pool(pool); };
  publishing.probe_tls = [this](const config::Pool& pool) { return control.certificates->of_probes(pool); };
  publishing.listener_filters = [this](const config::Listener& listener) {
    return control.filters->of_listener(listener.name);
  };
  publishing.publish = [this](const std::shared_ptr<const worker::Snapshot>& snapshot) {
    control.delivery->deliver(snapshot, control.catalog->config().drain_timeout);
  };
  publishing.leave = [this](const std::shared_ptr<pool::Backend>& backend, config::Duration timeout, bool removed) {
    control.steward->leave(backend, timeout, removed);
  };
  control.publisher = std::make_unique<control::Publisher>(std::move(publishing));
  control.ejections = std::make_unique<control::Ejections>(*control.publisher, control.events);
}

// Takes what a configuration needs before it is accepted: listening sockets, and everything of TLS.
config::Faults Weir::Parts::prepare(const control::Effective& wanted, control::Reading reading) {
  if (is_draining) return {{.at = {}, .path = "", .message = "Weir is stopping and takes no changes any more"}};
  config::Faults faults = control.certificates->prepare(wanted, reading);
  std::ranges::move(control.filters->prepare(wanted, reading), std::back_inserter(faults));
  bool is_good = faults.empty();
  if (is_good) faults = control.sockets->prepare(*wanted.config);
  control.cannot_listen = is_good && !faults.empty();
  if (!faults.empty()) {
    control.certificates->abandon();
    control.filters->abandon();
  }
  return faults;
}

void Weir::Parts::make_catalog() {
  control::Settle settle = [this] { return control.delivery->settle(); };
  control::Catalog::Resources resources;
  resources.prepare = [this](const control::Effective& wanted, control::Reading reading) {
    return prepare(wanted, reading);
  };
  resources.abandon = [this] {
    control.sockets->abandon();
    control.certificates->abandon();
    control.filters->abandon();
  };
  resources.accept = [this] {
    control.certificates->accept();
    control.filters->accept();
    control.sockets->accept();
  };
  resources.set_aside = [this](const control::ObjectName& name, const std::string& reason) {
    control.steward->set_aside(name, reason);
  };
  control.catalog =
      std::make_unique<control::Catalog>(*control.store, *control.publisher, kinds(), clock, std::move(resources));
  control.file = std::make_unique<control::FileReload>(control::FileReload::Parts{.catalog = *control.catalog,
                                                                                  .access_logs = *traffic.access_logs,
                                                                                  .events = control.events,
                                                                                  .registry = traffic.registry,
                                                                                  .metrics_slot = traffic.worker_count,
                                                                                  .settle = settle},
                                                       options.config_path, options.config);
  control.steward =
      std::make_unique<control::Steward>(control::Steward::Parts{.publisher = *control.publisher,
                                                                 .catalog = *control.catalog,
                                                                 .certificates = *control.certificates,
                                                                 .filters = *control.filters,
                                                                 .prober = *control.prober,
                                                                 .names = *control.names,
                                                                 .events = control.events,
                                                                 .ejections = *control.ejections,
                                                                 .services = traffic.services,
                                                                 .workers = traffic.all_workers,
                                                                 .settle = settle,
                                                                 .tick =
                                                                     [this] {
                                                                       api->tick();
                                                                       traffic.access_logs->tick();
                                                                     },
                                                                 .is_stopping = [this] { return is_draining; }});
}

void Weir::Parts::make_api(std::string load_balancer_id) {
  std::function<net::Task<control::Reloaded>()> reload_file;
  if (!options.config_path.empty()) reload_file = [this] { return reload(); };
  api = std::make_unique<api::Api>(
      api::Api::Parts{.catalog = *control.catalog,
                      .publisher = *control.publisher,
                      .registry = traffic.registry,
                      .events = control.events,
                      .ejections = *control.ejections,
                      .clock = clock,
                      .load_balancer_id = std::move(load_balancer_id),
                      .version = std::string(kVersion),
                      .health = [this](const pool::Backend& backend) { return control.prober->details(backend); },
                      .agent = [this](const pool::Backend& backend) { return control.prober->agent(backend); },
                      .is_draining = [this] { return is_draining; },
                      .reload = std::move(reload_file),
                      .certificates = control.certificates.get(),
                      .settle = [this] { return control.delivery->settle(); }});
  admin = std::make_unique<api::AdminServer>(*api, control.events, net::kept_descriptors(descriptor_limit) / 4);
}

void Weir::Parts::register_metrics() {
  control::register_computed_metrics(traffic.registry, *control.publisher);
  metrics::register_process_families(traffic.registry);
  traffic.registry.computed(families::kAccessLogDropped, [this](const metrics::Registry::Emit& emit) {
    emit({}, static_cast<double>(traffic.access_logs->dropped()));
  });
  traffic.registry.computed(families::kTlsCertificateNotAfter, [this](const metrics::Registry::Emit& emit) {
    for (const auto& [name, certificate] : control.certificates->in_use()) {
      emit({{"certificate", name}}, static_cast<double>(certificate->not_after));
    }
  });
  traffic.registry.computed(families::kConfigObjectsSetAside, [this](const metrics::Registry::Emit& emit) {
    emit({}, static_cast<double>(control.catalog->set_aside().size()));
  });
  traffic.registry.computed(families::kWorkersBehind, [this](const metrics::Registry::Emit& emit) {
    emit({}, static_cast<double>(control.delivery->late()));
  });
  traffic.registry.computed(families::kStorePendingChanges, [this](const metrics::Registry::Emit& emit) {
    emit({}, static_cast<double>(control.catalog->unstored().size()));
  });
  std::uint32_t slot = traffic.worker_count;
  traffic.registry.gauge(families::kBuildInfo, {kVersion, kCompiler}).set(slot, 1);
  traffic.registry.gauge(families::kWorkers).set(slot, traffic.worker_count);
}

}  // namespace weir::app
