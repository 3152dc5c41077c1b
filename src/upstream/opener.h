// Opens connections to backends: room for a descriptor, an address of the backend's name, connecting, TLS.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/descriptor_budget.h"
#include "net/task.h"
#include "net/tcp.h"
#include "net/wait.h"
#include "upstream/acquire_options.h"
#include "upstream/peer.h"

namespace weir::upstream {

// Keeps idle connections, which make room for new ones when descriptors are short.
class IdleHolder {
 public:
  // Closes one that is idle, or lets it end. False: there is none.
  virtual bool close_one_idle() = 0;

 protected:
  ~IdleHolder() = default;
};

// One per worker, which alone calls it. Knows nothing of places: the caller has one (place_semaphore.h).
class Opener {
 public:
  // `descriptors` says how many connections there may be, over all workers, and outlives them; null: any number.
  Opener(std::uint32_t worker, net::DescriptorBudget* descriptors) : peers_(worker), descriptors_(descriptors) {}
  // All workers, by index; before any worker runs.
  void set_peers(std::span<const Peer> peers) { peers_.set(peers); }
  // Who has idle connections: those of `idle` end at once, those of `idle_h2` take a moment. Before any worker runs.
  void make_room_by(IdleHolder& idle, IdleHolder& idle_h2) {
    idle_ = &idle;
    idle_h2_ = &idle_h2;
  }

  // Where the addresses of a backend are found whose name was not resolved when the caller's snapshot was made; null
  // while there are none. Before any worker runs.
  using AddressSource = std::function<std::shared_ptr<const pool::Addresses>(const pool::Backend&)>;
  void set_address_source(AddressSource source) { address_source_ = std::move(source); }
  // The source may say something else by now: exchanges that wait for addresses look again.
  void addresses_changed();

  // A new connection, which counts in descriptors() only until this returns. Errors: those of net::connect and
  // tls::connect (after all addresses); no_backend when the name does not resolve; exhausted without a descriptor.
  net::Task<base::Result<net::TcpStream>> open(AcquireOptions options);
  // In which the owners of open connections count them.
  net::DescriptorBudget* descriptors() const { return descriptors_; }

 private:
  // Waits for the first look-up of a name; lives in its coroutine's frame.
  struct WithoutAddress final : base::ListHook<WithoutAddress> {
    net::Waiter waiter;
  };

  // When there may be no more connections, an idle one makes room, here or on another worker: {exhausted} when none has
  // at the deadline.
  net::Task<base::Result<void>> wait_for_room(base::TimePoint deadline);
  void ask_for_room();
  net::Task<base::Result<net::TcpStream>> open_one_of(AcquireOptions options);
  net::Task<base::Result<std::shared_ptr<const pool::Addresses>>> wait_for_addresses(const pool::Backend& backend,
                                                                                     base::TimePoint deadline);
  net::Task<base::Result<void>> secure(net::TcpStream& stream, const AcquireOptions& options,
                                       const base::SocketAddress& address, base::TimePoint deadline);

  Peers peers_;
  net::DescriptorBudget* descriptors_;
  IdleHolder* idle_ = nullptr;
  IdleHolder* idle_h2_ = nullptr;
  AddressSource address_source_;
  base::IntrusiveList<WithoutAddress> without_address_;
};

}  // namespace weir::upstream
