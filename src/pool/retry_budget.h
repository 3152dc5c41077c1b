// How many retries a pool may afford: a share of its recent requests, so that a failing pool is not buried in retries.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/clock.h"

namespace weir::pool {

// Counts requests and retries of one pool over a sliding window: the running second and the ten before it. Requests
// are counted in cells of the worker that took them (a load and a store, no shared cache line); only a retry looks at
// all of them. Keep one per pool over changes of configuration. Share and floor come with the call, so a changed
// configuration holds at once.
class RetryBudget {
 public:
  explicit RetryBudget(std::uint32_t workers);

  // One request, not counting its retries. Only the thread of worker `worker` (below `workers`) may call this with it.
  void count_request(std::uint32_t worker, base::TimePoint now);

  // True, and counted, when one more retry leaves those of the window at or below the larger of `share` (0..1) of the
  // window's requests and `floor`. Any thread. Several threads at once never pass the limit together; near it one may
  // be refused that alone would have passed.
  bool try_retry(base::TimePoint now, double share, std::uint32_t floor);

  // Sums of the window, for metrics. Any thread.
  std::uint64_t requests(base::TimePoint now) const;
  std::uint64_t retries(base::TimePoint now) const;

 private:
  static constexpr std::uint32_t kSeconds = 11;
  // A second's count with the second it belongs to: second << 32 | count. The count of another second is stale.
  using Cells = std::array<std::atomic<std::uint64_t>, kSeconds>;
  struct alignas(64) WorkerCells {
    Cells seconds{};
  };
  static std::uint64_t sum(const Cells& cells, std::uint32_t second);

  std::uint32_t workers_;
  std::unique_ptr<WorkerCells[]> requests_;
  alignas(64) Cells retries_{};
};

}  // namespace weir::pool
