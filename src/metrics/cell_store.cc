#include "metrics/cell_store.h"

#include "base/assert.h"

namespace weir::metrics {

Cell* CellStore::allocate(std::size_t count) {
  WEIR_ASSERT(count >= 1 && count <= kWorkerStride);
  collect_reusable();
  if (auto& reusable = free_[count]; !reusable.empty()) {
    Cell* cells = reusable.back();
    reusable.pop_back();
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      for (std::size_t i = 0; i < count; ++i) cells[slot * kWorkerStride + i].store(0, std::memory_order_relaxed);
    }
    return cells;
  }
  if (used_ + count > kWorkerStride) add_block();
  Line* block = blocks_.back().get();
  Cell* cells = block[used_ / kCellsPerLine].cells + used_ % kCellsPerLine;
  used_ += count;
  return cells;
}

void CellStore::release(Cell* cells, std::size_t count) {
  released_.push_back({.reusable = clock_.now() + reuse_delay_, .cells = cells, .count = count});
}

void CellStore::collect_reusable() {
  if (released_.empty()) return;
  base::TimePoint now = clock_.now();
  while (!released_.empty() && released_.front().reusable <= now) {
    free_[released_.front().count].push_back(released_.front().cells);
    released_.pop_front();
  }
}

void CellStore::add_block() {
  // The rest of the last block still serves single cells.
  while (used_ < kWorkerStride) {
    Line* block = blocks_.back().get();
    free_[1].push_back(block[used_ / kCellsPerLine].cells + used_ % kCellsPerLine);
    ++used_;
  }
  static_assert(sizeof(Line) == sizeof(Cell) * kCellsPerLine && kWorkerStride % kCellsPerLine == 0);
  blocks_.push_back(std::make_unique<Line[]>(slots_ * kWorkerStride / kCellsPerLine));
  used_ = 0;
}

}  // namespace weir::metrics
