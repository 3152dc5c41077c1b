#include "pool/endpoints.h"

namespace weir::pool {

std::shared_ptr<Endpoint> Endpoints::get(const EndpointIdentity& identity) {
  std::size_t hash = identity.hash();
  for (auto [at, end] = known_.equal_range(hash); at != end; ++at) {
    std::shared_ptr<Endpoint> known = at->second.lock();
    if (known != nullptr && known->identity() == identity) return known;
  }
  auto made = std::make_shared<Endpoint>(identity);
  known_.emplace(hash, made);
  return made;
}

void Endpoints::forget_unused() {
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
}

}  // namespace weir::pool
