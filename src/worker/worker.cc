#include "worker/worker.h"

namespace weir::worker {

Worker::Worker(std::uint32_t worker_index, Services& shared, const base::Clock* clock)
    : index(worker_index), services(shared), reactor(clock), links(worker_index, h2, &shared.descriptors) {
  links.set_address_source([this](const pool::Backend& backend) { return addresses_of(backend); });
}

SnapshotRef Worker::use(std::shared_ptr<const Snapshot> next) {
  return std::exchange(snapshot_, SnapshotRef(new HeldSnapshot(std::move(next), services.control)));
}

void Worker::close_retired() {
  links.follow_snapshot();
  websockets.for_each([](OpenWebsocket& websocket) { websocket.close_where_it_must_go(); });
}

void Worker::let_go() {
  snapshot_ = SnapshotRef();
  reactor.bury_retired();
}

// Null while the present snapshot does not offer the backend, or without an address.
std::shared_ptr<const pool::Addresses> Worker::addresses_of(const pool::Backend& backend) const {
  if (!snapshot_) return nullptr;
  for (const std::shared_ptr<const PoolSnapshot>& pool : snapshot_->pools) {
    for (const pool::BackendSet* set : {&pool->eligible, &pool->trials}) {
      for (const pool::BackendEntry& entry : *set) {
        if (entry.backend.get() == &backend && entry.addresses != nullptr) return entry.addresses;
      }
    }
  }
  return nullptr;
}

}  // namespace weir::worker
