// Objects in memory. A process may have several stores on the same objects, each as another Weir would have it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/wait.h"
#include "store/store.h"

namespace weir::store {

// The objects that several stores share.
struct MemoryObjects {
  std::map<std::pair<std::string, std::string>, Object> objects;  // by kind and name
  std::uint64_t revision = 0;
  std::vector<net::Waiter*> watchers;
};

// All that share objects are on one thread. Never waits, but in watch().
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryObjects> shared) : shared_(std::move(shared)) {}
  net::Task<Result<Contents>> load(base::TimePoint deadline) override;
  net::Task<Result<std::uint64_t>> commit(Commit commit, base::TimePoint deadline) override;
  net::Task<Result<std::uint64_t>> watch(std::uint64_t seen, base::TimePoint deadline) override;

 private:
  std::shared_ptr<MemoryObjects> shared_;
};

}  // namespace weir::store
