// One thread that carries traffic: runs a worker's reactor, opens and closes its listeners.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "front/accept.h"
#include "front/open_listener.h"
#include "front/placement.h"
#include "front/tls_stage.h"
#include "net/task_group.h"
#include "worker/worker.h"

namespace weir::front {

// Functions are for any thread unless they say otherwise.
class WorkerThread final : private Placer {
 public:
  // `all` are the threads among which connections are placed, this one included: complete before the first starts.
  WorkerThread(std::uint32_t index, worker::Services& services, const TlsMetrics& tls,
               const std::vector<WorkerThread*>& all);
  ~WorkerThread();
  void start();  // once
  void join();   // after drain() has come to its end

  // From now on new work uses `snapshot`.
  void apply(std::shared_ptr<const worker::Snapshot> snapshot);
  // The thread answers, behind everything that it was sent before, that it uses `snapshot`: confirmed_version() and
  // Services::snapshot_confirmed. Takes it over first where the message of apply() was lost for lack of memory.
  void confirm(std::shared_ptr<const worker::Snapshot> snapshot);
  // The version of the last snapshot that was confirmed; 0: none.
  std::uint64_t confirmed_version() const { return confirmed_version_.load(std::memory_order_acquire); }
  // From start() until the thread reads no messages any more.
  bool is_running() const { return is_running_.load(std::memory_order_acquire); }
  // Accepts on `fds`, which it takes over, for the listener `runtime` is about.
  void open_listener(std::shared_ptr<worker::ListenerRuntime> runtime, std::vector<int> fds);
  // The listener `runtime` is about goes on with sockets and flows of the UDP listener `id`, which has none any more.
  void hand_over_udp(std::uint32_t id, std::shared_ptr<worker::ListenerRuntime> runtime);
  // The flows of a UDP listener that closes are cut now, as another one needs its address.
  void cut_udp(std::uint32_t id);
  // Accepts no more there; its connections end after their exchange, idle ones after a moment of grace; what is left
  // after `limit` is cut. `followed`: another listener goes on with its sockets.
  void close_listener(std::uint32_t id, base::Nanoseconds limit, bool followed = false);
  // The same for every listener, then the thread ends.
  void drain(base::Nanoseconds limit);
  // Connections that exchanges still hold to `backend` are broken.
  void break_connections(std::shared_ptr<pool::Backend> backend);
  // Memory that a burst has left behind goes back to the heap, a little at a time.
  void give_back_memory();
  std::uint32_t open_connections() const { return worker_.load.connections(); }

  worker::Worker& worker() { return worker_; }

 private:
  void run();
  void use(std::shared_ptr<const worker::Snapshot> next);
  OpenListener* find(std::uint32_t id);
  OpenListener& add(std::shared_ptr<worker::ListenerRuntime> runtime);
  // A new connection, accepted here: served here, or by the worker with the least to do.
  void place(OpenListener& listener, int fd, const base::SocketAddress& peer) override;
  // A connection accepted by another worker. Any thread.
  void adopt(std::shared_ptr<worker::ListenerRuntime> runtime, int fd, base::SocketAddress peer);

  // -- closing.cc
  void begin_closing(OpenListener& listener);
  net::Task<void> finish_closing(std::uint32_t id, base::Nanoseconds limit);
  net::Task<void> finish_draining(base::Nanoseconds limit);

  // -- client_room.cc
  bool make_room_for_client(std::size_t open);
  bool close_idle_client(OpenListener& listener);
  net::Task<void> sort_frames();

  worker::Worker worker_;
  const TlsMetrics& tls_;
  const std::vector<WorkerThread*>& all_;
  std::vector<std::unique_ptr<OpenListener>> listeners_;  // by id
  Placement placement_;
  net::TaskGroup closings_;  // one task per listener that is closing
  net::TaskGroup chores_;
  net::TaskGroup upkeep_;  // sort_frames()
  std::atomic<std::uint64_t> confirmed_version_{0};
  std::atomic<bool> is_running_{false};
  std::thread thread_;
};

}  // namespace weir::front
