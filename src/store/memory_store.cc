#include "store/memory_store.h"

namespace weir::store {

net::Task<Result<Contents>> MemoryStore::load(base::TimePoint) {
  Contents contents{.revision = shared_->revision, .objects = {}};
  for (const auto& [key, object] : shared_->objects) contents.objects.push_back(object);
  co_return contents;
}

net::Task<Result<std::uint64_t>> MemoryStore::commit(Commit commit, base::TimePoint) {
  MemoryObjects& shared = *shared_;
  if (commit.based_on != shared.revision) {
    co_return std::unexpected(Error{ErrorCode::conflict, "store: another Weir has changed the objects meanwhile"});
  }
  ++shared.revision;
  for (Change& change : commit.changes) {
    std::pair key{change.kind, change.name};
    if (change.json) {
      shared.objects[key] = {change.kind, change.name, std::move(*change.json), shared.revision};
    } else {
      shared.objects.erase(key);
    }
  }
  for (net::Waiter* watcher : shared.watchers) watcher->wake();
  co_return shared.revision;
}

net::Task<Result<std::uint64_t>> MemoryStore::watch(std::uint64_t seen, base::TimePoint deadline) {
  std::shared_ptr<MemoryObjects> shared = shared_;
  if (shared->revision <= seen) {
    net::Waiter waiter;
    shared->watchers.push_back(&waiter);
    base::Result<void> woken = co_await waiter.wait_until(deadline);
    std::erase(shared->watchers, &waiter);
    if (!woken) co_return seen;
  }
  co_return shared->revision;
}

std::span<const config::OptionSpec> memory_store_options() { return {}; }

Result<std::unique_ptr<Store>> open_memory_store(const config::Choice&) {
  return std::make_unique<MemoryStore>(std::make_shared<MemoryObjects>());
}

}  // namespace weir::store
