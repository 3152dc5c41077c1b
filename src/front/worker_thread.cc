#include "front/worker_thread.h"

#include <new>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory_reserve.h"
#include "front/serve.h"
#include "net/listener.h"
#include "net/pipe.h"

namespace weir::front {

WorkerThread::WorkerThread(std::uint32_t index, worker::Services& services, const TlsMetrics& tls,
                           const std::vector<WorkerThread*>& all)
    : worker_(index, services), tls_(tls), all_(all) {}

WorkerThread::~WorkerThread() { WEIR_ASSERT(!thread_.joinable()); }

void WorkerThread::start() {
  is_running_.store(true, std::memory_order_release);
  thread_ = std::thread([this] { run(); });
}

void WorkerThread::join() { thread_.join(); }

void WorkerThread::run() {
  net::Pipe::count_in(worker_.services.descriptors);
  worker_.reactor.run();
  worker_.links.connections().close_all_idle();
  listeners_.clear();
  worker_.let_go();
  is_running_.store(false, std::memory_order_release);
  if (worker_.services.worker_ended) worker_.services.worker_ended();
}

void WorkerThread::apply(std::shared_ptr<const worker::Snapshot> next) {
  worker_.reactor.post([this, next = std::move(next)]() mutable { use(std::move(next)); });
}

void WorkerThread::use(std::shared_ptr<const worker::Snapshot> next) {
  worker::SnapshotRef before = worker_.use(std::move(next));
  // A listener that is gone, for good or to another address, serves what still comes as it last did.
  for (auto& open : listeners_) {
    if (open == nullptr) continue;
    worker::Listening& listening = open->listening;
    if (listening.index != UINT32_MAX && !listening.last) listening.last = before;
  }
  const auto& listeners = worker_.snapshot()->listeners;
  for (std::uint32_t i = 0; i < listeners.size(); ++i) {
    OpenListener* known = find(listeners[i]->id);
    if (known == nullptr) continue;
    known->listening.index = i;
    known->listening.last = worker::SnapshotRef();
  }
  for (auto& open : listeners_) {
    if (open != nullptr && open->udp != nullptr) open->udp->configuration_changed();
  }
  worker_.close_retired();
}

void WorkerThread::confirm(std::shared_ptr<const worker::Snapshot> snapshot) {
  worker_.reactor.post([this, snapshot = std::move(snapshot)] {
    const worker::SnapshotRef& used = worker_.snapshot();
    if (!used || used->version < snapshot->version) use(snapshot);
    confirmed_version_.store(snapshot->version, std::memory_order_release);
    if (worker_.services.snapshot_confirmed) worker_.services.snapshot_confirmed();
  });
}

OpenListener* WorkerThread::find(std::uint32_t id) { return id < listeners_.size() ? listeners_[id].get() : nullptr; }

OpenListener& WorkerThread::add(std::shared_ptr<worker::ListenerRuntime> runtime) {
  std::uint32_t id = runtime->id;
  if (listeners_.size() <= id) listeners_.resize(id + 1);
  listeners_[id] = std::make_unique<OpenListener>(std::move(runtime));
  worker::Listening& added = listeners_[id]->listening;
  added.runtime->adopting_workers.fetch_add(1);
  const worker::SnapshotRef& snapshot = worker_.snapshot();
  for (std::uint32_t i = 0; snapshot && i < snapshot->listeners.size(); ++i) {
    if (snapshot->listeners[i]->id == id) added.index = i;
  }
  return *listeners_[id];
}

void WorkerThread::open_listener(std::shared_ptr<worker::ListenerRuntime> runtime, std::vector<int> fds) {
  worker_.reactor.post([this, runtime = std::move(runtime), fds = std::move(fds)] {
    if (worker_.draining()) {
      for (int fd : fds) ::close(fd);
      runtime->listening_workers.fetch_sub(1);
      return;
    }
    OpenListener& opened = add(runtime);
    std::vector<int> for_datagrams;
    for (int fd : fds) (net::is_datagram_socket(fd) ? for_datagrams : opened.sockets).push_back(fd);
    for (int fd : opened.sockets) opened.acceptors.spawn(accept_connections(worker_, *this, opened, net::Listener(fd)));
    if (!for_datagrams.empty()) {
      opened.udp = std::make_unique<relay::UdpRelay>(worker_, opened.listening, for_datagrams);
    }
  });
}

void WorkerThread::hand_over_udp(std::uint32_t id, std::shared_ptr<worker::ListenerRuntime> runtime) {
  worker_.reactor.post([this, id, runtime = std::move(runtime)] {
    OpenListener* before = find(id);
    if (worker_.draining() || before == nullptr || before->udp == nullptr) {
      runtime->listening_workers.fetch_sub(1);
      return;
    }
    OpenListener& now = add(runtime);
    now.udp = std::move(find(id)->udp);
    now.udp->serve_for(now.listening);
  });
}

void WorkerThread::cut_udp(std::uint32_t id) {
  worker_.reactor.post([this, id] {
    OpenListener* closing = find(id);
    if (closing != nullptr && closing->udp != nullptr) closing->udp->end_all();
  });
}

void WorkerThread::place(OpenListener& open, int fd, const base::SocketAddress& peer) {
  worker::Listening& listening = open.listening;
  worker::Services& services = worker_.services;
  std::uint32_t limit = listening.index == UINT32_MAX
                            ? 0
                            : worker_.snapshot_of(listening)->listeners[listening.index]->config->limits.connections;
  std::uint32_t open_there = listening.runtime->open.fetch_add(1, std::memory_order_relaxed);
  WorkerThread* least = this;
  std::size_t open_everywhere = 0;
  for (WorkerThread* other : all_) {
    if (other->worker_.load.total() < least->worker_.load.total()) least = other;
    open_everywhere += other->open_connections();
  }
  worker::Refusal refusal = limit > 0 && open_there >= limit ? worker::Refusal::limit : worker::Refusal::none;
  if (!base::memory_reserve::is_whole()) refusal = worker::Refusal::memory;
  // The others hear of a new listener one after the other.
  bool all_adopt = listening.runtime->adopting_workers.load(std::memory_order_relaxed) == all_.size();
  // Accepting goes on, whatever is missing for this connection.
  try {
    bool is_full = refusal == worker::Refusal::none && open_everywhere >= services.descriptors.max_clients();
    if (is_full && !make_room_for_client(open_everywhere)) refusal = worker::Refusal::max_connections;
    bool is_for_another =
        refusal == worker::Refusal::none && !listening.closing && all_adopt &&
        placement_.gives_away(worker_.load.total(), least->worker_.load.total(), worker_.reactor.now());
    if (is_for_another) return least->adopt(listening.runtime, fd, peer);
  } catch (const std::bad_alloc&) {
    refusal = worker::Refusal::memory;
  }
  if (refusal == worker::Refusal::none) return serve(worker_, tls_, open, fd, peer);
  listening.runtime->open.fetch_sub(1, std::memory_order_relaxed);
  ::close(fd);
  listening.runtime->refuse(refusal, worker_.index, peer.ip, worker_.reactor.now());
}

void WorkerThread::adopt(std::shared_ptr<worker::ListenerRuntime> runtime, int fd, base::SocketAddress peer) {
  // Counted at once, so that a burst is not all sent to the same worker.
  worker_.load.connection_opens();
  try {
    worker_.reactor.post([this, runtime = std::move(runtime), fd, peer] {
      worker_.load.connection_closes();
      if (OpenListener* here = find(runtime->id)) return serve(worker_, tls_, *here, fd, peer);
      runtime->open.fetch_sub(1, std::memory_order_relaxed);
      ::close(fd);
    });
  } catch (const std::bad_alloc&) {
    worker_.load.connection_closes();
    throw;
  }
}

void WorkerThread::break_connections(std::shared_ptr<pool::Backend> backend) {
  worker_.reactor.post([this, backend = std::move(backend)] {
    worker_.links.connections().break_busy(*backend);
    for (auto& open : listeners_) {
      if (open != nullptr && open->udp != nullptr) open->udp->break_flows(*backend);
    }
    worker_.links.h2().break_busy(*backend);
  });
}

}  // namespace weir::front
