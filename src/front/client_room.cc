// Room on a worker, for new clients when there are as many as may be, and for the system when a burst is over.
#include <algorithm>

#include "base/free_list.h"
#include "base/log.h"
#include "front/worker_thread.h"
#include "http2/connection.h"
#include "worker/tcp_connection.h"

namespace weir::front {

using std::chrono::milliseconds;

namespace {

// When there are as many clients as may be: connections looked at for an idle one, and clients that may be too many
// until those that were closed for them have gone.
constexpr std::size_t kLookedAt = 64;
constexpr std::size_t kClosingClients = 16;
constexpr auto kFullComplaintEvery = std::chrono::seconds(60);

}  // namespace

// With `open` clients there are as many as may be: one that waits for its next request gives way to a new one.
bool WorkerThread::make_room_for_client(std::size_t open) {
  std::int64_t now = worker_.reactor.now().time_since_epoch().count();
  std::int64_t due = worker_.services.next_complaint.load(std::memory_order_relaxed);
  std::int64_t next = now + std::chrono::nanoseconds(kFullComplaintEvery).count();
  if (now >= due && worker_.services.next_complaint.compare_exchange_strong(due, next)) {
    base::log_warning(
        "{} client connections are open, as many as max_connections or the limit on open files (ulimit -n) allow: idle "
        "ones are closed for new ones, others are refused",
        open);
  }
  // Those that close take a moment; meanwhile others come, for which there is no end of descriptors.
  if (open >= worker_.services.descriptors.max_clients() + kClosingClients) return false;
  for (auto& open_listener : listeners_) {
    if (open_listener != nullptr && close_idle_client(*open_listener)) return true;
  }
  return false;
}

// Looks at some of them, other ones each time.
bool WorkerThread::close_idle_client(OpenListener& listener) {
  base::IntrusiveList<worker::TcpConnection>& all = listener.listening.connections;
  for (std::size_t left = std::min(all.size(), kLookedAt); left > 0; --left) {
    worker::TcpConnection& client = *all.pop_front();
    all.push_back(client);
    bool idle_h2 = client.h2 != nullptr && client.h2->open_streams() == 0 && client.requests > 0;
    if (idle_h2 && client.h2->takes_streams()) {
      client.h2->shut_down();
      return true;
    }
    if (client.stage != worker::Stage::waiting || client.requests == 0) continue;
    client.stage = worker::Stage::working;
    client.stream.descriptor().hurry_reader(worker_.reactor.tick(worker_.reactor.now()));
    return true;
  }
  return false;
}

void WorkerThread::give_back_memory() {
  worker_.reactor.post([this] {
    if (worker_.draining()) return;
    worker_.services.given_back.fetch_add(base::give_back_buffers(), std::memory_order_relaxed);
    worker_.shrink_states();
    if (upkeep_.size() == 0) upkeep_.spawn(sort_frames());
  });
}

// In steps that delay nobody.
net::Task<void> WorkerThread::sort_frames() {
  constexpr std::size_t kBlocks = 2000;
  constexpr auto kPause = milliseconds(10);
  bool ended = false;
  base::Result<void> slept;
  while (slept && !ended) {
    worker_.services.given_back.fetch_add(base::give_back_frames(kBlocks, ended), std::memory_order_relaxed);
    if (!ended) slept = co_await net::sleep_for(kPause);
  }
}

}  // namespace weir::front
