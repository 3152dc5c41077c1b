// The inside of a Prober: its thread, and what it knows of each backend.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "health/agents.h"
#include "health/checker.h"
#include "health/failure_reports.h"
#include "health/prober.h"
#include "health/schedule.h"
#include "net/reactor.h"
#include "net/task_group.h"

namespace weir::health {

// Everything here runs on the health thread unless it says otherwise.
class Prober::Core {
 public:
  Core(ProberOptions options, std::function<void(const Transition&)> on_transition);
  ~Core();

  // Any thread.
  void post_reconcile(std::vector<WatchedBackend> wanted);
  void report_connect_failure(const pool::Backend& backend, const base::Error& error);
  std::optional<HealthDetails> details(const pool::Backend& backend) const;
  const Agents& agents() const { return agents_; }

 private:
  // The part of probing that all backends of a pool share. Probes under way keep theirs over a reconciliation.
  struct Plan {
    config::HealthCheck config;
    Cadence cadence;
    Thresholds thresholds;
    std::unique_ptr<Checker> checker;  // null: checks are off
  };
  // The backend to probe. Immutable: probes under way keep theirs.
  struct Aim {
    std::vector<base::SocketAddress> addresses;
    std::string path;
    std::shared_ptr<const tls::ClientContexts> tls;
    std::string name_error;  // why there is no address; empty: there is one, or it is not known yet
    config::PoolProtocol protocol = config::PoolProtocol::http_1_1;
    config::SendProxy proxy_protocol = config::SendProxy::off;
    std::shared_ptr<pool::Endpoint> endpoint;
    friend bool operator==(const Aim&, const Aim&) = default;
  };
  struct Watched {
    Watched(std::shared_ptr<pool::Backend> whom, Thresholds thresholds, base::TimePoint now)
        : backend(std::move(whom)), machine(thresholds, now) {}
    std::shared_ptr<pool::Backend> backend;
    StateMachine machine;
    std::shared_ptr<Plan> plan;
    std::shared_ptr<const Aim> aim;
    std::uint64_t serial = 0;      // of what is being watched for; results for another one are dropped
    std::uint64_t generation = 0;  // of the last reconciliation that wanted it
    std::uint32_t probes = 0;      // begun: each begins with another address
    bool scheduled = false;
  };
  struct ProbeTimer final : net::TimerNode {
    explicit ProbeTimer(Core& owner) : core(owner) {}
    void on_timer() override { core.launch_due(); }
    Core& core;
  };
  using Plans = std::unordered_map<const config::HealthCheck*, std::shared_ptr<Plan>>;

  void run_thread();
  void reconcile(const std::vector<WatchedBackend>& wanted);
  void update(Watched& watched, const WatchedBackend& wanted, Plans& plans, std::vector<Transition>& transitions);
  void update_schedule(Watched& watched, bool aim_changed, std::vector<Transition>& transitions);
  void forget_unwanted();
  void schedule_new();
  std::shared_ptr<Plan> plan_for(const WatchedBackend& wanted, const std::shared_ptr<Plan>& present, Plans& plans);

  void launch_due();
  void arm_timer();
  net::Task<void> probe(std::uint32_t slot, std::uint64_t serial, std::shared_ptr<Plan> plan,
                        std::shared_ptr<const Aim> aim, std::shared_ptr<pool::Backend> backend, std::uint32_t first);
  static void note_address(const pool::Backend& backend, pool::Endpoint& endpoint, const base::IpAddress& address,
                           const CheckResult& result);
  void take_result(std::uint32_t slot, std::uint64_t serial, CheckResult result);
  void complain(const pool::Backend& backend, const std::string& error, base::TimePoint now);
  net::Task<void> follow_failures(std::uint32_t slot);
  void take_failures(std::uint32_t slot, std::uint32_t failures, const base::Error& error);
  void note_transition(std::vector<Transition>& transitions, const Watched& watched,
                       std::optional<StateChange>&& change) const;
  void tell(const std::vector<Transition>& transitions);
  Watched* find(std::uint32_t slot) const { return slot < watched_.size() ? watched_[slot].get() : nullptr; }

  ProberOptions options_;
  std::function<void(const Transition&)> on_transition_;
  metrics::Counter succeeded_;
  metrics::Counter failed_;
  metrics::Histogram duration_;
  net::Reactor reactor_;
  net::Programs programs_;
  net::TaskGroup probes_;
  ProbeTimer timer_{*this};
  Schedule schedule_;  // ids are slots of backends
  Agents agents_;
  FailureReports failures_;
  std::uint64_t generation_ = 0;
  std::uint64_t last_serial_ = 0;
  base::TimePoint next_complaint_{};
  std::vector<std::uint32_t> new_slots_;  // watched since the reconciliation under way began
  bool stopping_ = false;
  // Guards watched_ and all in it against details(). The health thread alone writes, and reads without it. Never held
  // across co_await or a call of on_transition_.
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Watched>> watched_;  // by slot of the backend
  std::thread thread_;
};

}  // namespace weir::health
