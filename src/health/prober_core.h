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
#include "health/simultaneous_failures.h"
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
    const Plan* like = nullptr;        // the first of those that probe in the same way; itself if there is none
    bool is_shared = false;            // a probe says the same to every pool that asks for it
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
    // With readiness, where that is asked for.
    pool::BackendState state() const;
    bool is_changing() const;
    std::string reason() const;  // of state(), for people
    std::shared_ptr<pool::Backend> backend;
    StateMachine machine;
    std::optional<StateMachine> ready{};  // healthy stands for ready, unhealthy for not
    std::shared_ptr<Plan> plan;
    std::shared_ptr<const Aim> aim;
    std::uint64_t serial = 0;                // of what is being watched for; results for another one are dropped
    std::uint64_t generation = 0;            // of the last reconciliation that wanted it
    std::uint32_t probes = 0;                // begun: each begins with another address
    bool is_probed = false;                  // by itself or with its leader
    bool scheduled = false;                  // it leads: its probes are those of its followers too
    std::uint32_t leader = 0;                // slot; its own when it leads
    std::vector<std::uint32_t> followers{};  // slots
  };
  struct Judged {
    CheckResult alive;
    std::optional<CheckResult> ready{};  // where that was asked for
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
  void update_ready(Watched& watched, std::vector<Transition>& transitions);
  void forget_unwanted();
  void unschedule(Watched& watched);
  void find_leaders();
  void schedule_new();
  void find_like(Plan& plan);
  std::shared_ptr<Plan> plan_for(const WatchedBackend& wanted, const std::shared_ptr<Plan>& present, Plans& plans);

  void launch_due();
  void arm_timer();
  net::Task<void> probe(std::uint32_t slot, std::uint64_t serial, std::shared_ptr<Plan> plan,
                        std::shared_ptr<const Aim> aim, std::shared_ptr<pool::Backend> backend, std::uint32_t first);
  static void note_address(const pool::Backend& backend, pool::Endpoint& endpoint, const base::IpAddress& address,
                           const CheckResult& result);
  net::Task<CheckResult> ask(const Plan& plan, CheckTarget target);
  void take_result(std::uint32_t slot, std::uint64_t serial, Judged judged);
  void judge(Watched& watched, const Judged& judged, base::TimePoint now, std::vector<Transition>& transitions);
  void note_failure(const Watched& watched, bool was_healthy, base::TimePoint now);
  void complain(const pool::Backend& backend, const std::string& error, base::TimePoint now);
  net::Task<void> follow_failures(std::uint32_t slot);
  void take_failures(std::uint32_t slot, std::uint32_t failures, const base::Error& error);
  // If its state is another one than `before`.
  static void note_transition(std::vector<Transition>& transitions, const Watched& watched, pool::BackendState before);
  void tell(const std::vector<Transition>& transitions);
  Watched* find(std::uint32_t slot) const { return slot < watched_.size() ? watched_[slot].get() : nullptr; }

  ProberOptions options_;
  std::function<void(const Transition&)> on_transition_;
  metrics::Counter succeeded_;
  metrics::Counter failed_;
  metrics::Counter suspicious_;
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
  // The probes of the reconciliation under way that differ, without thresholds, each with its first plan.
  std::vector<std::pair<config::HealthCheck, const Plan*>> different_;
  SimultaneousFailures simultaneous_;
  std::vector<Suspicion> suspicions_;  // to be told of
  bool stopping_ = false;
  // Guards watched_ and all in it against details(). The health thread alone writes, and reads without it. Never held
  // across co_await or a call of on_transition_.
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Watched>> watched_;  // by slot of the backend
  std::thread thread_;
};

}  // namespace weir::health
