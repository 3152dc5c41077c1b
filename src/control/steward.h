// The work of the control thread besides answering the API.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/catalog.h"
#include "control/certificates.h"
#include "control/delivery.h"
#include "control/ejections.h"
#include "control/event_log.h"
#include "control/filters.h"
#include "control/leaving_backends.h"
#include "control/memory_upkeep.h"
#include "control/publisher.h"
#include "front/worker_thread.h"
#include "health/prober.h"
#include "net/dns_watch.h"
#include "net/task_group.h"
#include "net/wait.h"
#include "worker/services.h"

namespace weir::control {

// Publishes what has changed, in the publisher's pace; lets prober and names follow the configuration; ticks once a
// second. Control thread only.
class Steward {
 public:
  // Borrowed; outlive this.
  struct Parts {
    Publisher& publisher;
    Catalog& catalog;
    Certificates& certificates;
    Filters& filters;
    health::Prober& prober;
    net::NameWatch& names;
    EventLog& events;
    Ejections& ejections;
    worker::Services& services;
    const std::vector<front::WorkerThread*>& workers;
    Settle settle = {};                 // optional
    std::function<void()> tick;         // of everybody else, once a second
    std::function<bool()> is_stopping;  // Weir takes no changes any more
  };
  explicit Steward(Parts parts);

  // Until it is cancelled.
  net::Task<void> run();

  // -- news
  // The verdict of the probes on a backend has changed.
  void transition(const health::Transition& news);
  // All backends of a pool have begun to fail at once.
  void suspect(const health::Suspicion& news);
  // A backend's agent wants something else.
  void agent(const health::AgentNews& news);
  // A worker has ejected a backend, or one has returned.
  void ejection(const worker::EjectionNews& news);
  // The name `host` has other addresses.
  void addresses_changed(const std::string& host);
  // The backend takes no new work; what is in progress there after `timeout` is closed.
  void leave(const std::shared_ptr<pool::Backend>& backend, base::Nanoseconds timeout, bool is_removed);
  // The catalog has set the object aside for a reason, or has taken it back when that is empty.
  void set_aside(const ObjectName& name, const std::string& reason);
  // The configuration has changed: names and prober follow at once, not in the next round.
  void follow_configuration();

 private:
  void poke() { poked_->wake(); }
  base::TimePoint round(base::TimePoint& next_tick);
  void tick(base::TimePoint now);
  net::Task<void> refresh_files(std::vector<std::string> changed);

  Parts parts_;
  LeavingBackends leaving_;
  MemoryUpkeep memory_;
  std::unique_ptr<net::Waiter> poked_ = std::make_unique<net::Waiter>();
  net::TaskGroup errands_;  // what may wait for the store
  std::uint64_t followed_generation_ = 0;
  bool addresses_changed_ = false;  // the prober must know of it, once the workers do
  bool is_refreshing_ = false;      // refresh_files() is under way
};

}  // namespace weir::control
