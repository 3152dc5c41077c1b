// The endpoints that are in use, by identity.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "pool/endpoint.h"

namespace weir::pool {

// Hands the same endpoint to all who ask for the same identity, as long as somebody refers to it. One thread: the
// control thread, which makes backends. The endpoints themselves may end on any other.
class Endpoints {
 public:
  // A new endpoint when nobody refers to one of that identity.
  std::shared_ptr<Endpoint> get(const EndpointIdentity& identity);
  // Drops the entries of endpoints that nobody refers to any more.
  void forget_unused();
  // Entries, also of what is gone and was not forgotten.
  std::size_t size() const { return known_.size(); }

 private:
  std::unordered_multimap<std::size_t, std::weak_ptr<Endpoint>> known_;  // by the hash of the identity
};

}  // namespace weir::pool
