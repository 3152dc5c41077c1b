#include <map>
#include <utility>

#include "store/store.h"

namespace weir::store {
namespace {

class MemoryStore final : public Store {
 public:
  StoreResult<StoreContents> load() override {
    StoreContents contents{.revision = revision_, .objects = {}};
    for (const auto& [key, object] : objects_) contents.objects.push_back(object);
    return contents;
  }

  StoreResult<std::uint64_t> commit(std::span<const StoreChange> changes) override {
    for (const StoreChange& change : changes) {
      if (!change.if_revision) continue;
      auto found = objects_.find({change.kind, change.name});
      std::uint64_t revision = found == objects_.end() ? 0 : found->second.revision;
      if (revision != *change.if_revision) {
        return std::unexpected(StoreError{StoreFault::conflict, change.kind + " " + change.name + " has changed"});
      }
    }
    ++revision_;
    for (const StoreChange& change : changes) {
      std::pair key{change.kind, change.name};
      if (change.json) {
        objects_[key] = {change.kind, change.name, *change.json, revision_};
      } else {
        objects_.erase(key);
      }
    }
    return revision_;
  }

 private:
  std::map<std::pair<std::string, std::string>, StoredObject> objects_;
  std::uint64_t revision_ = 0;
};

}  // namespace

std::span<const config::OptionSpec> memory_store_options() { return {}; }

StoreResult<std::unique_ptr<Store>> open_memory_store(const config::Choice&) { return std::make_unique<MemoryStore>(); }

}  // namespace weir::store
