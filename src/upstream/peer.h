// The workers' links to backends, as one worker reaches those of the others.
#pragma once

#include <cstdint>
#include <span>

#include "net/reactor.h"
#include "pool/connection_places.h"

namespace weir::upstream {

class Connections;
class H2Links;
class Opener;
class PlaceSemaphore;

// One worker. The pointers are for messages to its reactor: only its own thread may follow them.
struct Peer {
  net::Reactor* reactor = nullptr;
  PlaceSemaphore* places = nullptr;
  Opener* opener = nullptr;
  Connections* connections = nullptr;
  H2Links* h2_links = nullptr;
};

// All workers by index, this one included; set before any worker runs. The worker's thread only.
class Peers {
 public:
  explicit Peers(std::uint32_t own) : own_(own) {}
  void set(std::span<const Peer> all) { all_ = all; }

  std::uint32_t own() const { return own_; }
  std::size_t size() const { return all_.size(); }
  const Peer& at(std::uint32_t worker) const { return all_[worker]; }
  // The worker after this one, in a ring.
  const Peer& next() const { return all_[(own_ + 1) % all_.size()]; }
  // Another worker among `members` (of a pool::WorkerSet), each in its turn; null: none.
  const Peer* next_of(std::uint64_t members) {
    for (std::size_t i = 1; i <= all_.size(); ++i) {
      auto worker = static_cast<std::uint32_t>((last_ + i) % all_.size());
      if (worker == own_ || !pool::WorkerSet::contains(members, worker)) continue;
      last_ = worker;
      return &all_[worker];
    }
    return nullptr;
  }
  template <typename Visit>
  void for_each_other(Visit visit) const {
    for (std::size_t worker = 0; worker < all_.size(); ++worker) {
      if (worker != own_) visit(all_[worker]);
    }
  }

 private:
  std::uint32_t own_;
  std::uint32_t last_ = 0;  // the worker whose turn it was
  std::span<const Peer> all_;
};

}  // namespace weir::upstream
