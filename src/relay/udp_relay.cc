#include "relay/udp_relay.h"

#include <algorithm>
#include <memory>
#include <new>
#include <unistd.h>

#include "worker/timeouts.h"

namespace weir::relay {

namespace {

constexpr std::size_t kInboxWindows = 32;
constexpr std::size_t kReplyWindows = 64;
constexpr net::Tick kUnansweredMs = 2000;

}  // namespace

UdpEntrance::UdpEntrance(UdpRelay& relay, int fd)
    : replies(kReplyWindows), relay_(relay), socket_(net::Descriptor::open_for_datagrams(fd)) {
  socket_->wait_readable(*this, net::kNever);
}

UdpEntrance::~UdpEntrance() {
  socket_->stop_waiting_readable();
  ::close(socket_->release());
}

void UdpEntrance::on_ready() { relay_.take_from_clients(*this); }

// The outbox has room for a kept first datagram besides a whole inbox.
UdpRelay::UdpRelay(worker::Worker& worker, worker::Listening& listening, const std::vector<int>& fds)
    : worker_(worker),
      listening_(&listening),
      metrics_(listening.runtime->name, *worker.services.registry),
      inbox_(kInboxWindows),
      outbox_(kInboxWindows + 1),
      replies_(kReplyWindows) {
  for (int fd : fds) entrances_.push_back(std::make_unique<UdpEntrance>(*this, fd));
}

UdpRelay::~UdpRelay() {
  end_all();
  flush_replies();
  worker_.reactor.forget(*this);
}

void UdpRelay::serve_for(worker::Listening& listening) {
  metrics_.flows_active.subtract(worker_.index, table_.size());
  listening_ = &listening;
  metrics_ = UdpMetrics(listening.runtime->name, *worker_.services.registry);
  metrics_.flows_active.add(worker_.index, table_.size());
  configuration_changed();
}

const worker::ListenerSnapshot* UdpRelay::listener() const {
  std::uint32_t index = listening_->index;
  return index == UINT32_MAX ? nullptr : worker_.snapshot_of(*listening_)->listeners[index].get();
}

net::Tick UdpRelay::idle_ticks() const {
  const worker::Snapshot& snapshot = *worker_.snapshot_of(*listening_);
  worker::TimeoutScopes scopes{.global = &snapshot.timeouts};
  if (const worker::ListenerSnapshot* mine = listener()) {
    scopes.listener = &mine->config->timeouts;
    std::uint32_t pool = snapshot.pool_of_route[listening_->index].back();
    if (pool != worker::kNoPool) scopes.pool = &snapshot.pools[pool]->config->timeouts;
  }
  base::Nanoseconds idle = scopes.get(&config::TimeoutOverrides::idle, &config::Timeouts::idle);
  return static_cast<net::Tick>(std::chrono::ceil<std::chrono::milliseconds>(idle).count());
}

void UdpRelay::configuration_changed() {
  if (!by_age_.empty()) arm();
}

void UdpRelay::arm() { worker_.reactor.timers().arm(*this, by_age_.front()->activity.last + idle_ticks()); }

// Flows that came to life meanwhile have moved to the end of the list.
void UdpRelay::on_timer() {
  net::Tick now = worker_.reactor.tick(worker_.reactor.now());
  net::Tick idle = idle_ticks();
  while (UdpFlow* oldest = by_age_.front()) {
    if (oldest->activity.last + idle > now) break;
    const std::optional<std::uint32_t>& expected = oldest->expected_responses;
    bool unanswered = expected.value_or(0) > 0 && oldest->totals.replies < oldest->totals.datagrams_in * *expected;
    if (unanswered) {
      end_failed(*oldest, {.code = base::ErrorCode::timeout,
                           .side = base::Side::backend,
                           .what = "fewer responses than udp.expected_responses within timeouts.idle"});
    } else {
      end(*oldest, worker::Termination::idle_timeout, "nothing moved within timeouts.idle");
    }
  }
  if (!by_age_.empty()) arm();
}

void UdpRelay::touch(UdpFlow& flow) {
  flow.activity.last = worker_.reactor.tick(worker_.reactor.now());
  if (by_age_.back() == &flow) return;
  by_age_.remove(flow);
  by_age_.push_back(flow);
}

// Datagrams of one client that follow each other go to its backend together.
void UdpRelay::take_from_clients(UdpEntrance& entrance) {
  base::Result<std::size_t> got = inbox_.receive(entrance.fd(), 0, inbox_.windows());
  if (!got) return;  // an error that the kernel held is taken with it
  UdpFlow* run = nullptr;
  UdpFlowKey key{};
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < *got; ++i) {
    net::Datagrams datagrams = inbox_.datagrams(i);
    metrics_.client_in.add(worker_.index, datagrams.count());
    bytes += datagrams.bytes.size();
    key.client = inbox_.peer(i);
    key.local = inbox_.local(i);
    auto hash =
        static_cast<std::uint32_t>(base::keyed_hash(hash_key_, {reinterpret_cast<const char*>(&key), sizeof key}));
    if (run != nullptr && !run->is_of(hash, key)) {
      deliver(run);
      run = nullptr;
    }
    // Only now: delivering may have ended others to make room.
    UdpFlow* flow = run != nullptr ? run : table_.find(hash, key);
    if (flow != nullptr && flow != run && is_lost(*flow)) {
      end(*flow, worker::Termination::backend_unhealthy, "the backend is unhealthy and answered nothing for 2 s");
      flow = nullptr;
    }
    if (flow == nullptr) flow = begin_flow(entrance, key, hash, datagrams.count());
    if (flow == nullptr) continue;
    flow->totals.bytes_in += datagrams.bytes.size();
    if (flow->totals.datagrams_in == 0 && datagrams.segment_bytes == 0) {
      flow->first.keep(datagrams.bytes);
    } else if (flow->first) {
      flow->first.forget();
    }
    flow->totals.datagrams_in += datagrams.count();
    flow->activity.replies_in_a_row = 0;
    if (flow->activity.unanswered_since == net::kNever) {
      flow->activity.unanswered_since = worker_.reactor.tick(worker_.reactor.now());
    }
    outbox_.add(datagrams, nullptr, {});
    run = flow;
  }
  if (run != nullptr) deliver(run);
  worker_.services.client_bytes_in.add(worker_.index, bytes);
}

UdpFlow* UdpRelay::begin_flow(UdpEntrance& entrance, const UdpFlowKey& key, std::uint32_t hash,
                              std::uint64_t datagrams) {
  const worker::ListenerSnapshot* mine = listener();
  if (closing_ || mine == nullptr) {
    metrics_.dropped_closing.add(worker_.index, datagrams);
    return nullptr;
  }
  const worker::Snapshot& snapshot = *worker_.snapshot_of(*listening_);
  std::uint32_t pool = snapshot.pool_of_route[listening_->index].back();
  if (pool == worker::kNoPool) {
    metrics_.dropped_no_backend.add(worker_.index, datagrams);
    return nullptr;
  }
  std::optional<CountedClient> counted = admit(*mine->config, key, datagrams);
  if (!counted) return nullptr;
  make_room();
  std::unique_ptr<UdpFlow> flow;
  try {
    flow = std::make_unique<UdpFlow>(*this, entrance, key, hash, worker_, std::move(*counted));
    table_.make_room();
  } catch (const std::bad_alloc&) {
    metrics_.dropped_exhausted.add(worker_.index, datagrams);
    return nullptr;
  }
  flow->snapshot = worker_.snapshot_of(*listening_);
  flow->pool = snapshot.pools[pool].get();
  flow->expected_responses = mine->config->udp.expected_responses;
  flow->tries.use(*flow->pool, worker::Carried::flow);
  flow->times.started = worker_.reactor.now();
  flow->pool->runtime->retry_budget.count_request(worker_.index, flow->times.started);
  if (base::Result<void> connected = connect(*flow); !connected) {
    bool exhausted = connected.error().code == base::ErrorCode::exhausted;
    (exhausted ? metrics_.dropped_exhausted : metrics_.dropped_no_backend).add(worker_.index, datagrams);
    log(*flow, worker::termination(connected.error()), base::cause(connected.error()));
    return nullptr;
  }
  table_.insert(*flow);
  flow->activity.last = worker_.reactor.tick(worker_.reactor.now());
  by_age_.push_back(*flow);
  if (!armed()) arm();
  metrics_.flows.add(worker_.index);
  metrics_.flows_active.add(worker_.index);
  worker_.services.descriptors.add_flow();
  return flow.release();
}

// Nothing for a client that may not begin a flow, which leaves nothing behind.
std::optional<CountedClient> UdpRelay::admit(const config::Listener& listener, const UdpFlowKey& key,
                                             std::uint64_t datagrams) {
  if (!worker::Admission::asked_of(listener)) return CountedClient();
  worker::Counted counted = worker::Counted::no;
  base::IpAddress client = key.client.to_socket_address().ip;
  worker::Refusal verdict = listening_->runtime->admission.admit(listener, client, worker_.reactor.now(), counted);
  if (verdict == worker::Refusal::none) return CountedClient(listening_->runtime, client, counted);
  metrics_.refused(verdict).add(worker_.index, datagrams);
  listening_->runtime->refusal_log.note(listening_->runtime->name, verdict, client, worker_.reactor.now());
  return std::nullopt;
}

// Its backend is found unhealthy, does not answer either, and another one would take this datagram: the client's own
// datagrams would keep it here for ever. (One that answers keeps its flows, whatever the probes say.)
bool UdpRelay::is_lost(const UdpFlow& flow) const {
  if (flow.tries.backend().state.load(std::memory_order_relaxed) != pool::BackendState::unhealthy) return false;
  net::Tick now = worker_.reactor.tick(worker_.reactor.now());
  if (flow.activity.unanswered_since == net::kNever || flow.activity.unanswered_since + kUnansweredMs > now)
    return false;
  if (closing_ || listener() == nullptr) return false;
  const worker::Snapshot& snapshot = *worker_.snapshot_of(*listening_);
  std::uint32_t pool = snapshot.pool_of_route[listening_->index].back();
  return pool != worker::kNoPool && !snapshot.pools[pool]->degraded && !snapshot.pools[pool]->eligible.empty();
}

// The table is bounded for each worker by its share, and all tables together by what the process may open.
void UdpRelay::make_room() {
  std::size_t workers = worker_.services.worker_count;
  std::size_t share = std::max<std::size_t>(1, (listener()->config->udp.max_flows + workers - 1) / workers);
  const net::DescriptorBudget& descriptors = worker_.services.descriptors;
  while (table_.size() >= share || !descriptors.has_flows()) {
    if (!evict_oldest()) return;
  }
}

bool UdpRelay::evict_oldest() {
  UdpFlow* oldest = by_age_.front();
  if (oldest == nullptr) return false;
  metrics_.evicted.add(worker_.index);
  end(*oldest, worker::Termination::evicted, "it was silent longest, and there was no room for another flow");
  return true;
}

void UdpRelay::break_flows(const pool::Backend& backend) {
  by_age_.for_each([&](UdpFlow& flow) {
    if (&flow.tries.backend() == &backend) end(flow, worker::Termination::backend_drained, worker::kBackendDrained);
  });
}

net::Task<void> UdpRelay::finish(base::TimePoint deadline) {
  while (!by_age_.empty()) {
    net::Waiter drained;
    drained_ = &drained;
    base::Result<void> woken = co_await drained.wait_until(deadline);
    drained_ = nullptr;
    if (!woken) break;
  }
  end_all();
}

void UdpRelay::end_all() {
  while (UdpFlow* flow = by_age_.front()) end(*flow, worker::Termination::drained, worker::kListenerDrained);
}

void UdpRelay::flush_replies() {
  for (auto& entrance : entrances_) {
    if (entrance->replies.empty()) continue;
    net::DatagramSender::Outcome outcome = entrance->replies.flush(entrance->fd(), false);
    metrics_.client_out.add(worker_.index, outcome.sent);
    if (outcome.dropped > 0) metrics_.dropped_unsent.add(worker_.index, outcome.dropped);
  }
  reply_window_ = 0;
}

}  // namespace weir::relay
