// The end of a listener and of a worker: what is under way finishes, what is left at its limit is cut.
#include <algorithm>

#include "front/worker_thread.h"
#include "http2/connection.h"
#include "net/cancel_at.h"
#include "worker/tcp_connection.h"

namespace weir::front {

using std::chrono::milliseconds;

namespace {

// A connection whose listener closes may have a request under way, whole or in part: so long it is waited for.
constexpr auto kIdleGrace = milliseconds(1000);
// Longer than a handshake takes from its first segment to its last.
constexpr auto kHandshakeGrace = milliseconds(200);

net::Task<void> join_by(net::TaskGroup& group, base::TimePoint deadline) {
  net::CancelAt watch(group, deadline);
  co_await group.join();
}

}  // namespace

void WorkerThread::begin_closing(OpenListener& open) {
  worker::Listening& listening = open.listening;
  listening.closing = true;
  listening.runtime->adopting_workers.fetch_sub(1);
  if (open.udp != nullptr) open.udp->begin_closing();
  if (open.followed) {
    open.acceptors.cancel();
  } else {
    for (int fd : open.sockets) net::ignore_new_handshakes(fd);
  }
  listening.begin_by = worker_.reactor.now() + kIdleGrace;
  net::Tick soon = worker_.reactor.tick(listening.begin_by);
  listening.connections.for_each([soon](worker::TcpConnection& connection) {
    if (connection.h2 != nullptr) connection.h2->shut_down();
    if (connection.stage != worker::Stage::working) connection.stream.descriptor().hurry_reader(soon);
  });
  worker_.websockets.for_each([](worker::OpenWebsocket& websocket) { websocket.close_where_it_must_go(); });
}

void WorkerThread::close_listener(std::uint32_t id, base::Nanoseconds limit, bool followed) {
  worker_.reactor.post([this, id, limit, followed] {
    OpenListener* closing = find(id);
    if (closing == nullptr || closing->listening.closing) return;
    closing->followed = followed;
    begin_closing(*closing);
    closings_.spawn(finish_closing(id, limit));
  });
}

net::Task<void> WorkerThread::finish_closing(std::uint32_t id, base::Nanoseconds limit) {
  OpenListener& closing = *listeners_[id];
  std::shared_ptr<worker::ListenerRuntime> runtime = closing.listening.runtime;
  base::TimePoint deadline = worker_.reactor.now() + limit;
  // Handshakes under way complete and are served.
  static_cast<void>(co_await net::sleep_for(kHandshakeGrace));
  closing.acceptors.cancel();
  co_await closing.acceptors.join();
  bool has_flows = closing.udp != nullptr;
  if (!has_flows) runtime->listening_workers.fetch_sub(1);
  // Another worker may have handed over a connection while the last one ended.
  do {
    co_await join_by(closing.stages, std::min(deadline, closing.listening.begin_by));
    co_await join_by(closing.sessions, deadline);
  } while (closing.stages.size() > 0 || closing.sessions.size() > 0);
  if (closing.udp != nullptr) co_await closing.udp->finish(deadline);
  listeners_[id].reset();
  if (has_flows) runtime->listening_workers.fetch_sub(1);
}

void WorkerThread::drain(base::Nanoseconds limit) {
  worker_.reactor.post([this, limit] {
    if (worker_.draining()) return;
    worker_.begin_draining();
    for (auto& open : listeners_) {
      if (open == nullptr || open->listening.closing) continue;
      begin_closing(*open);
      closings_.spawn(finish_closing(open->listening.runtime->id, limit));
    }
    chores_.spawn(finish_draining(limit));
  });
}

net::Task<void> WorkerThread::finish_draining(base::Nanoseconds limit) {
  co_await join_by(closings_, worker_.reactor.now() + limit);
  worker_.links.connections().close_all_idle();
  co_await worker_.links.h2().close();
  upkeep_.cancel();
  co_await upkeep_.join();
  worker_.reactor.stop();
}

}  // namespace weir::front
