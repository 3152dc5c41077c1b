// How much a worker has to do.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::worker {

// Read by any thread, to give new connections to the worker with the least.
class Load {
 public:
  // Any thread. A client connection opened or is on its way to the worker; it closed or came.
  void connection_opens() { connections_.fetch_add(1, std::memory_order_relaxed); }
  void connection_closes() { connections_.fetch_sub(1, std::memory_order_relaxed); }
  // The worker's own thread: one more exchange is under way, or one fewer.
  void exchange_begins() {
    exchanges_.store(exchanges_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void exchange_ends() { exchanges_.store(exchanges_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); }

  std::uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }
  // In connections and exchanges: a connection of HTTP/2 weighs as much as is asked for on it.
  std::uint32_t total() const { return connections() + exchanges_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> connections_{0};
  std::atomic<std::uint32_t> exchanges_{0};
};

}  // namespace weir::worker
