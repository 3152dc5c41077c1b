#include "health/simultaneous_failures.h"

namespace weir::health {

void SimultaneousFailures::Pool::put(One& one, Standing standing) {
  if (one.standing == Standing::good) --good;
  if (one.standing == Standing::failing) --failing;
  one.standing = standing;
  if (standing == Standing::good) ++good;
  if (standing == Standing::failing) ++failing;
}

// Those that began to fail earlier were not healthy at that time.
void SimultaneousFailures::Pool::forget_before(base::TimePoint earliest) {
  while (!begun.empty() && begun.front().first < earliest) {
    auto found = backends.find(begun.front().second);
    bool is_its_last = found != backends.end() && found->second.standing == Standing::failing &&
                       found->second.since == begun.front().first;
    if (is_its_last) put(found->second, Standing::other);
    begun.pop_front();
  }
}

void SimultaneousFailures::succeeded(const std::string& name, std::uint32_t slot, bool is_healthy) {
  Pool& pool = pools_[name];
  pool.put(pool.backends[slot], is_healthy ? Standing::good : Standing::other);
  pool.is_reported = false;
}

std::optional<Suspicion> SimultaneousFailures::failed(const std::string& name, std::uint32_t slot, bool was_healthy,
                                                      base::Nanoseconds window, base::TimePoint now) {
  Pool& pool = pools_[name];
  One& one = pool.backends[slot];
  if (!was_healthy || one.standing == Standing::failing) return std::nullopt;
  pool.put(one, Standing::failing);
  one.since = now;
  pool.begun.emplace_back(now, slot);
  pool.forget_before(now - window);
  if (pool.is_reported || pool.good > 0 || pool.failing < 2) return std::nullopt;
  pool.is_reported = true;
  return Suspicion{.pool = name, .failing = pool.failing, .backends = pool.backends.size()};
}

void SimultaneousFailures::forget(const std::string& name, std::uint32_t slot) {
  auto found = pools_.find(name);
  if (found == pools_.end()) return;
  Pool& pool = found->second;
  auto one = pool.backends.find(slot);
  if (one == pool.backends.end()) return;
  pool.put(one->second, Standing::other);
  pool.backends.erase(one);
  if (pool.backends.empty()) pools_.erase(found);
}

}  // namespace weir::health
