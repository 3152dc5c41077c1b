#include "health/agents.h"

#include <algorithm>
#include <new>
#include <utility>

#include "health/agent_question.h"
#include "metrics/families.h"

namespace weir::health {

namespace families = metrics::families;

namespace {

// Questions at once; more wait for their turn.
constexpr std::size_t kMaxInFlight = 256;

// Never more often than its interval: no jitter, and never the fast pace.
Cadence cadence_of(const config::Agent& agent) {
  return {.interval = agent.interval, .fast_interval = agent.interval, .jitter = 0};
}

}  // namespace

Agents::Agents(metrics::Registry* registry, std::uint32_t metrics_slot, net::Reactor& reactor,
               std::function<void(const AgentNews&)> on_news)
    : on_news_(std::move(on_news)), reactor_(reactor), metrics_slot_(metrics_slot), schedule_(kMaxInFlight, 0) {
  if (registry == nullptr) return;
  answered_ = registry->counter(families::kAgentChecks, {"success"});
  missed_ = registry->counter(families::kAgentChecks, {"failure"});
}

Agents::~Agents() = default;

void Agents::stop() {
  stopping_ = true;
  reactor_.timers().disarm(timer_);
  questions_.cancel();
}

void Agents::reconcile(const std::vector<WatchedBackend>& wanted) {
  ++generation_;
  added_ = 0;
  for (const WatchedBackend& one : wanted) {
    if (one.agent != nullptr && one.addresses != nullptr && !one.addresses->empty()) update(one);
  }
  for (std::uint32_t slot = 0; slot < asked_.size(); ++slot) {
    if (asked_[slot] != nullptr && asked_[slot]->generation != generation_) forget(slot);
  }
  arm_timer();
}

void Agents::update(const WatchedBackend& wanted) {
  std::uint32_t slot = wanted.backend->slot();
  std::uint16_t port = wanted.agent_port != 0 ? wanted.agent_port : wanted.agent->port;
  if (Asked* asked = find(slot)) {
    if (*asked->agent == *wanted.agent && asked->port == port) {
      asked->generation = generation_;
      asked->addresses = wanted.addresses;
      return;
    }
    forget(slot);
  }
  auto asked = std::make_unique<Asked>(Asked{.backend = wanted.backend,
                                             .agent = wanted.agent,
                                             .addresses = wanted.addresses,
                                             .port = port,
                                             .serial = ++last_serial_,
                                             .generation = generation_});
  {
    std::lock_guard lock(mutex_);
    if (slot >= asked_.size()) asked_.resize(slot + 1);
    asked_[slot] = std::move(asked);
  }
  // New ones soon, spread as probes are.
  constexpr base::Nanoseconds kSpread = std::chrono::microseconds(500);
  schedule_.add(slot, slot, cadence_of(*wanted.agent), base::now() + kSpread * added_++);
}

void Agents::forget(std::uint32_t slot) {
  schedule_.remove(slot);
  std::unique_ptr<Asked> gone;
  {
    std::lock_guard lock(mutex_);
    gone = std::move(asked_[slot]);
  }
  if (gone->state.verdict() != AgentVerdict()) on_news_({gone->backend, {}, "the agent is no longer asked"});
}

void Agents::launch_due() {
  base::TimePoint now = reactor_.now();
  while (std::optional<Schedule::Id> slot = schedule_.start(now)) {
    Asked& asked = *asked_[*slot];
    base::SocketAddress address = (*asked.addresses)[asked.misses % asked.addresses->size()];
    address.port = asked.port;
    try {
      questions_.spawn(ask(*slot, asked.serial, asked.agent, address, now));
    } catch (const std::bad_alloc&) {
      schedule_.finish(*slot, now, Pace::normal);
    }
  }
  arm_timer();
}

void Agents::arm_timer() {
  std::optional<base::TimePoint> due = schedule_.next_due();
  if (stopping_ || !due) {
    reactor_.timers().disarm(timer_);
    return;
  }
  net::Tick tick = reactor_.tick(*due);
  if (!timer_.armed() || timer_.expires() != tick) reactor_.timers().arm(timer_, tick);
}

net::Task<void> Agents::ask(std::uint32_t slot, std::uint64_t serial, std::shared_ptr<const config::Agent> agent,
                            base::SocketAddress address, base::TimePoint began) {
  std::expected<std::string, Failure> line;
  try {
    line = co_await ask_agent(*agent, address, agent->timeout.value_or(agent->interval));
  } catch (const std::bad_alloc&) {
    line = failed("out of memory");
  }
  take(slot, serial, std::move(line), began);
}

void Agents::take(std::uint32_t slot, std::uint64_t serial, std::expected<std::string, Failure> line,
                  base::TimePoint began) {
  Asked* asked = find(slot);
  if (stopping_ || asked == nullptr || asked->serial != serial) return;
  if (answered_) (line ? answered_ : missed_).add(metrics_slot_);
  base::TimePoint now = base::now();
  bool is_news = false;
  {
    std::lock_guard lock(mutex_);
    if (line) {
      is_news = asked->state.hear(*line, now);
    } else {
      ++asked->misses;
      is_news = asked->state.miss(std::move(line.error().text), asked->agent->ttl, now);
    }
  }
  schedule_.remove(slot);
  schedule_.add(slot, slot, cadence_of(*asked->agent), std::max(began + asked->agent->interval, now));
  arm_timer();
  if (!is_news) return;
  std::string why = line ? asked->state.line() : "the agent has been silent for its ttl; its words are forgotten";
  on_news_({asked->backend, asked->state.verdict(), std::move(why)});
}

std::optional<AgentDetails> Agents::details(const pool::Backend& backend) const {
  std::int64_t unix_now = base::unix_milliseconds();
  base::TimePoint now = base::now();
  std::lock_guard lock(mutex_);
  const Asked* asked = find(backend.slot());
  if (asked == nullptr || asked->backend.get() != &backend) return std::nullopt;
  AgentDetails details{.words = asked->state.line(), .verdict = asked->state.verdict(), .error = asked->state.error()};
  if (auto at = asked->state.heard_at()) {
    details.at_unix_ms = unix_now - std::chrono::duration_cast<std::chrono::milliseconds>(now - *at).count();
  }
  return details;
}

}  // namespace weir::health
