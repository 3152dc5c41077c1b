#include "pool/retry_budget.h"

#include <algorithm>

#include "base/assert.h"

namespace weir::pool {
namespace {

std::uint32_t second_of(base::TimePoint time) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}
constexpr std::uint64_t cell(std::uint32_t second, std::uint32_t count) {
  return static_cast<std::uint64_t>(second) << 32 | count;
}
constexpr std::uint32_t second_in(std::uint64_t cell) { return static_cast<std::uint32_t>(cell >> 32); }
constexpr std::uint32_t count_in(std::uint64_t cell) { return static_cast<std::uint32_t>(cell); }

}  // namespace

RetryBudget::RetryBudget(std::uint32_t workers)
    : workers_(workers), requests_(std::make_unique<WorkerCells[]>(workers)) {}

void RetryBudget::count_request(std::uint32_t worker, base::TimePoint now) {
  WEIR_ASSERT(worker < workers_);
  std::uint32_t second = second_of(now);
  std::atomic<std::uint64_t>& mine = requests_[worker].seconds[second % kSeconds];
  std::uint64_t old = mine.load(std::memory_order_relaxed);
  std::uint32_t before = second_in(old) == second ? count_in(old) : 0;
  mine.store(cell(second, before + 1), std::memory_order_relaxed);
}

// Counts first and takes it back when over: two threads that see the same sum cannot both slip through.
bool RetryBudget::try_retry(base::TimePoint now, double share, std::uint32_t floor) {
  std::uint32_t second = second_of(now);
  std::atomic<std::uint64_t>& current = retries_[second % kSeconds];
  std::uint64_t old = current.load();
  while (!current.compare_exchange_weak(old, cell(second, second_in(old) == second ? count_in(old) + 1 : 1))) {
  }
  double allowed = std::max(static_cast<double>(floor), share * static_cast<double>(requests(now)));
  if (static_cast<double>(sum(retries_, second)) <= allowed) return true;

  old = current.load();
  while (second_in(old) == second && count_in(old) > 0 && !current.compare_exchange_weak(old, old - 1)) {
  }
  return false;
}

std::uint64_t RetryBudget::requests(base::TimePoint now) const {
  std::uint64_t total = 0;
  for (std::uint32_t worker = 0; worker < workers_; ++worker) total += sum(requests_[worker].seconds, second_of(now));
  return total;
}

std::uint64_t RetryBudget::retries(base::TimePoint now) const { return sum(retries_, second_of(now)); }

std::uint64_t RetryBudget::sum(const Cells& cells, std::uint32_t second) {
  std::uint64_t total = 0;
  for (const std::atomic<std::uint64_t>& each : cells) {
    std::uint64_t value = each.load();
    // Workers cache their time, so a cell may be a moment ahead of ours: a small negative age counts.
    auto age = static_cast<std::int32_t>(second - second_in(value));
    if (age < static_cast<std::int32_t>(kSeconds) && age > -static_cast<std::int32_t>(kSeconds)) {
      total += count_in(value);
    }
  }
  return total;
}

}  // namespace weir::pool
