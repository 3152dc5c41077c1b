// One worker's connections to one backend; private to upstream/connections.
#pragma once

#include <memory>

#include "base/intrusive_list.h"
#include "config/config.h"
#include "pool/backend.h"
#include "upstream/connections.h"

namespace weir::upstream {

// Keeps them on two lists, and decides what becomes of one that an exchange has finished with.
class OfBackend {
 public:
  // `idle_count` counts the idle connections of the worker to all backends.
  OfBackend(std::shared_ptr<pool::Backend> which, std::uint32_t worker, PlaceSemaphore& places,
            net::DescriptorBudget* descriptors, std::size_t& idle_count);

  const std::shared_ptr<pool::Backend>& backend() const { return backend_; }
  net::DescriptorBudget* descriptors() const { return descriptors_; }
  // Takes over what the pool's configuration says now.
  void use(const AcquireOptions& options) {
    settings_ = *options.settings;
    limit_ = options.backend->max_connections;
  }
  // Another backend may take over the slot.
  bool unused() const { return idle_.empty() && busy_.empty() && acquiring == 0; }

  bool has_idle() const { return !idle_.empty(); }
  Connection* newest_idle() { return idle_.front(); }
  Connection* oldest_idle() { return idle_.back(); }
  // Takes the newest idle one off its list; the caller decides what becomes of it.
  Connection& pop_idle();
  // To an exchange. `connection` is on no list.
  Lease lend(Connection& connection, bool reused);
  // Off its list.
  void forget(Connection& connection);
  // Closes it and keeps its place.
  void empty_place(Connection& connection);
  // Closes it and frees its place.
  void destroy(Connection& connection);
  // From an exchange that has ended on it in order.
  void give_back(Connection& connection);
  // To whoever waits for it, here or on another worker by turns, or idle. `connection` is on no list; `used_here`: it
  // did not come from another worker just now.
  void offer(Connection& connection, bool used_here);
  // Frees a place without a connection in it.
  void free_place() { places_.free(backend_, limit_); }
  // Breaks all busy ones.
  void cut_busy();

  std::uint32_t acquiring = 0;  // coroutines that hold a reference to this

 private:
  void make_idle(Connection& connection);

  std::shared_ptr<pool::Backend> backend_;
  std::uint32_t worker_;
  PlaceSemaphore& places_;
  net::DescriptorBudget* descriptors_;
  std::size_t& idle_count_;
  config::UpstreamConnections settings_;  // as of the last acquisition
  std::uint32_t limit_ = 0;               // max_connections, likewise
  base::IntrusiveList<Connection> idle_;  // most recently used first
  base::IntrusiveList<Connection> busy_;
};

// Whether an exchange of this snapshot can use it: TLS and address are what they must be by now, and it is alive as far
// as that matters.
bool fits(Connection& connection, const AcquireOptions& options);

}  // namespace weir::upstream
