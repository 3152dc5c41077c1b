// Where the cells of all series lie.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "metrics/registry.h"

namespace weir::metrics {

// Hands out runs of cells, one run per worker at a distance of kWorkerStride, from blocks that hold kWorkerStride cells
// of each worker. Blocks are kept for the life of the store, so a stale handle never touches freed memory. Not
// thread-safe: the registry's mutex guards it; the cells themselves may be written all the while.
class CellStore {
 public:
  CellStore(std::uint32_t slots, base::Nanoseconds reuse_delay, const base::Clock& clock)
      : slots_(slots), reuse_delay_(reuse_delay), clock_(clock) {}

  // `count` neighbouring cells (1..kWorkerStride) for each worker, all zero. Returns worker 0's.
  Cell* allocate(std::size_t count);
  // To be handed out again when the reuse delay has passed.
  void release(Cell* cells, std::size_t count);

 private:
  static constexpr std::size_t kCellsPerLine = 64 / sizeof(Cell);
  struct alignas(64) Line {
    Cell cells[kCellsPerLine];
  };
  struct Released {
    base::TimePoint reusable;
    Cell* cells;
    std::size_t count;
  };

  void collect_reusable();
  void add_block();

  std::uint32_t slots_;
  base::Nanoseconds reuse_delay_;
  const base::Clock& clock_;
  std::vector<std::unique_ptr<Line[]>> blocks_;
  std::size_t used_ = kWorkerStride;                // of the last block
  std::map<std::size_t, std::vector<Cell*>> free_;  // by count
  std::deque<Released> released_;                   // oldest first
};

}  // namespace weir::metrics
