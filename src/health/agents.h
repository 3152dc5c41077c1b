// Asks the agents of all backends, each in its interval, and tells of their verdicts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "health/agent_news.h"
#include "health/check_result.h"
#include "health/schedule.h"
#include "health/watched_backend.h"
#include "metrics/registry.h"
#include "net/reactor.h"
#include "net/task_group.h"

namespace weir::health {

// Everything is for the health thread but details().
class Agents {
 public:
  // `registry` outlives this, or is null: no metrics; `metrics_slot` is the health thread's. `on_news` must only pass
  // the news on.
  Agents(metrics::Registry* registry, std::uint32_t metrics_slot, net::Reactor& reactor,
         std::function<void(const AgentNews&)> on_news);
  ~Agents();

  // Asks those that `wanted` names from now on. An agent that stays keeps what it said; one that goes, or is asked
  // otherwise, is forgotten, and the verdict with it.
  void reconcile(const std::vector<WatchedBackend>& wanted);
  // Cancels every question; none is asked any more. The reactor has to run until in_progress() is 0.
  void stop();
  std::size_t in_progress() const { return questions_.size(); }
  // The state of the backend's agent; nothing when none is asked. Any thread.
  std::optional<AgentDetails> details(const pool::Backend& backend) const;

 private:
  struct Asked {
    std::shared_ptr<pool::Backend> backend;
    std::shared_ptr<const config::Agent> agent;
    std::shared_ptr<const pool::Addresses> addresses;
    std::uint16_t port = 0;
    AgentState state{};
    std::uint64_t serial = 0;      // answers to questions under another one are dropped
    std::uint64_t generation = 0;  // of the last reconciliation that wanted it
    std::uint32_t misses = 0;      // questions without an answer: another address is asked then
  };
  struct Timer final : net::TimerNode {
    explicit Timer(Agents& owner) : agents(owner) {}
    void on_timer() override { agents.launch_due(); }
    Agents& agents;
  };

  void update(const WatchedBackend& wanted);
  void forget(std::uint32_t slot);
  void launch_due();
  void arm_timer();
  net::Task<void> ask(std::uint32_t slot, std::uint64_t serial, std::shared_ptr<const config::Agent> agent,
                      base::SocketAddress address, base::TimePoint began);
  void take(std::uint32_t slot, std::uint64_t serial, std::expected<std::string, Failure> line, base::TimePoint began);
  Asked* find(std::uint32_t slot) const { return slot < asked_.size() ? asked_[slot].get() : nullptr; }

  std::function<void(const AgentNews&)> on_news_;
  net::Reactor& reactor_;
  metrics::Counter answered_;
  metrics::Counter missed_;
  std::uint32_t metrics_slot_;
  net::TaskGroup questions_;
  Timer timer_{*this};
  Schedule schedule_;  // ids are slots of backends
  std::uint64_t generation_ = 0;
  std::uint64_t last_serial_ = 0;
  std::uint32_t added_ = 0;  // in the reconciliation under way
  bool stopping_ = false;
  // Guards asked_ and all in it against details(); the health thread alone writes, and reads without it.
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Asked>> asked_;  // by slot of the backend
};

}  // namespace weir::health
