#include "control/delivery.h"

#include <algorithm>

#include "base/log.h"
#include "control/patience.h"
#include "net/reactor.h"

namespace weir::control {

void Delivery::deliver(const std::shared_ptr<const worker::Snapshot>& snapshot, base::Nanoseconds drain_timeout) {
  last_ = snapshot;
  divide_descriptors(*snapshot);
  for (front::WorkerThread* worker : workers_) worker->apply(snapshot);
  sockets_.follow(*snapshot, drain_timeout);
  divide_descriptors(*snapshot);
}

net::Task<LateWorkers> Delivery::settle() {
  std::uint64_t version = last_ ? last_->version : 0;
  LateWorkers late = behind(version);
  if (late.empty() || version <= overdue_version_) co_return late;
  ask(last_);
  Waiting waiting{.version = version};
  waiting_.push_back(&waiting);
  base::Result<void> woken = co_await waiting.waiter.wait_until(net::Reactor::current().now() + kWorkerPatience);
  std::erase(waiting_, &waiting);
  if (!woken && woken.error().code == base::ErrorCode::cancelled) co_return LateWorkers();
  late = behind(version);
  if (late.empty() || version <= overdue_version_) co_return late;
  overdue_version_ = version;
  for (std::uint32_t index : late) {
    base::log_warning("worker {} is late: {} s after a change of the configuration it still uses the one before", index,
                      std::chrono::duration_cast<std::chrono::seconds>(kWorkerPatience).count());
  }
  co_return late;
}

void Delivery::look_again() {
  for (Waiting* waiting : waiting_) {
    if (behind(waiting->version).empty()) waiting->waiter.wake();
  }
}

// Once for each snapshot.
void Delivery::ask(const std::shared_ptr<const worker::Snapshot>& snapshot) {
  if (asked_version_ == snapshot->version) return;
  for (front::WorkerThread* worker : workers_) worker->confirm(snapshot);
  asked_version_ = snapshot->version;
}

// The workers that have not confirmed the snapshot of that version, or a later one.
LateWorkers Delivery::behind(std::uint64_t version) const {
  LateWorkers found;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    bool is_behind = workers_[i]->is_running() && workers_[i]->confirmed_version() < version;
    if (is_behind) found.push_back(static_cast<std::uint32_t>(i));
  }
  return found;
}

void Delivery::divide_descriptors(const worker::Snapshot& snapshot) {
  // Standard streams, signals, store, log; a loop with its wake-up for each worker, control and health.
  constexpr std::size_t kFixed = 24;
  std::size_t loops = workers_.size() + 2;
  auto is_udp = [](const auto& listener) { return listener->config->protocol == config::ListenerProtocol::udp; };
  services_.descriptors.divide({.limit = descriptor_limit_,
                                .fixed = kFixed + 2 * loops + sockets_.descriptors(),
                                .wanted_clients = snapshot.max_connections,
                                .has_udp = std::ranges::any_of(snapshot.listeners, is_udp)});
}

}  // namespace weir::control
