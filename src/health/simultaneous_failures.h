// Notices that all backends of a pool fail at once, which says more about the network or this machine than about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace weir::health {

// All backends of a pool that were healthy, two at least, have begun to fail within one interval.
struct Suspicion {
  std::string pool;
  std::size_t failing = 0;   // backends that were healthy
  std::size_t backends = 0;  // of the pool, that are probed
};

// Pure: time is an argument. Not thread-safe. O(1) a result, amortized.
class SimultaneousFailures {
 public:
  // A probe of a backend of `pool` was good; `is_healthy`: the backend is healthy now.
  void succeeded(const std::string& pool, std::uint32_t slot, bool is_healthy);
  // A probe or a connection failed; `was_healthy`: the backend was healthy before. All that began to fail in the last
  // `window` are taken together. Gives one suspicion until a backend of the pool is good again.
  std::optional<Suspicion> failed(const std::string& pool, std::uint32_t slot, bool was_healthy,
                                  base::Nanoseconds window, base::TimePoint now);
  // The backend is no longer probed.
  void forget(const std::string& pool, std::uint32_t slot);

 private:
  enum class Standing : std::uint8_t { other, good, failing };
  struct One {
    Standing standing = Standing::other;
    base::TimePoint since{};  // of its failures
  };
  struct Pool {
    std::unordered_map<std::uint32_t, One> backends;
    std::deque<std::pair<base::TimePoint, std::uint32_t>> begun;  // when which backend began to fail, oldest first
    std::size_t good = 0;
    std::size_t failing = 0;
    bool is_reported = false;
    void put(One& one, Standing standing);
    void forget_before(base::TimePoint earliest);
  };
  std::unordered_map<std::string, Pool> pools_;
};

}  // namespace weir::health
