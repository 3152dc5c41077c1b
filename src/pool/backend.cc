#include "pool/backend.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace weir::pool {
namespace {

// Hands out the smallest free slot. Taken only when backends come and go, never on the path of a request.
class Slots {
 public:
  std::uint32_t take() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) return next_++;
    std::ranges::pop_heap(free_, std::greater{});
    std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(std::uint32_t slot) {
    std::lock_guard lock(mutex_);
    free_.push_back(slot);
    std::ranges::push_heap(free_, std::greater{});
  }

 private:
  std::mutex mutex_;  // guards both
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

Slots& slots() {
  static Slots instance;
  return instance;
}

}  // namespace

const char* name(BackendState state) {
  switch (state) {
    case BackendState::unknown:
      return "unknown";
    case BackendState::healthy:
      return "healthy";
    case BackendState::unhealthy:
      return "unhealthy";
    case BackendState::draining:
      return "draining";
    case BackendState::disabled:
      return "disabled";
    case BackendState::not_ready:
      return "not_ready";
  }
  return "?";
}

Backend::Backend(std::string pool_name, std::string id, std::string host, std::uint16_t port)
    : pool_name_(std::move(pool_name)),
      id_(std::move(id)),
      host_(std::move(host)),
      port_(port),
      slot_(slots().take()) {}

Backend::~Backend() { slots().give_back(slot_); }

}  // namespace weir::pool
