// Room on a worker: for new clients when there are as many as may be, and for the system when a burst is over.
#include <algorithm>

#include "base/free_list.h"
#include "base/log.h"
#include "http2/connection.h"
#include "proxy/client_connection.h"
#include "proxy/worker.h"

namespace weir::proxy {

using std::chrono::milliseconds;

namespace {

// When there are as many clients as may be: connections looked at for an idle one, and clients that may be too many
// until those that were closed for them have gone.
constexpr std::size_t kLookedAt = 64;
constexpr std::size_t kClosingClients = 16;
constexpr auto kComplainEvery = std::chrono::seconds(60);

}  // namespace

// With `open` clients there are as many as may be: one that waits for its next request gives way to a new one.
bool Worker::make_room_for_client(std::size_t open) {
  std::int64_t now = reactor.now().time_since_epoch().count();
  std::int64_t due = services.next_complaint.load(std::memory_order_relaxed);
  std::int64_t next = now + std::chrono::nanoseconds(kComplainEvery).count();
  if (now >= due && services.next_complaint.compare_exchange_strong(due, next)) {
    base::log_warning(
        "{} client connections are open, as many as max_connections or the limit on open files (ulimit -n) allow: idle "
        "ones are closed for new ones, others are refused",
        open);
  }
  // Those that close take a moment; meanwhile others come, for which there is no end of descriptors.
  if (open >= services.descriptors.max_clients() + kClosingClients) return false;
  for (auto& listening : listenings_) {
    if (listening != nullptr && close_idle_client(*listening)) return true;
  }
  return false;
}

// Looks at some of them, other ones each time.
bool Worker::close_idle_client(Listening& listening) {
  base::IntrusiveList<ClientConnection>& all = listening.connections;
  for (std::size_t left = std::min(all.size(), kLookedAt); left > 0; --left) {
    ClientConnection& client = *all.pop_front();
    all.push_back(client);
    bool idle_h2 = client.h2 != nullptr && client.h2->open_streams() == 0 && client.requests > 0;
    if (idle_h2 && client.h2->takes_streams()) {
      client.h2->shut_down();
      return true;
    }
    if (client.stage != Stage::waiting || client.requests == 0) continue;
    client.stage = Stage::working;
    client.stream.descriptor().hurry_reader(reactor.tick(reactor.now()));
    return true;
  }
  return false;
}

void Worker::give_back_memory() {
  reactor.post([this] {
    if (draining_) return;
    services.given_back.fetch_add(base::give_back_buffers(), std::memory_order_relaxed);
    states_.resize(states_.size() / 2);
    states_.shrink_to_fit();
    if (upkeep_.size() == 0) upkeep_.spawn(sort_frames());
  });
}

// In steps that delay nobody.
net::Task<void> Worker::sort_frames() {
  constexpr std::size_t kBlocks = 2000;
  constexpr auto kPause = milliseconds(10);
  bool ended = false;
  base::Result<void> slept;
  while (slept && !ended) {
    services.given_back.fetch_add(base::give_back_frames(kBlocks, ended), std::memory_order_relaxed);
    if (!ended) slept = co_await net::sleep_for(kPause);
  }
}

}  // namespace weir::proxy
