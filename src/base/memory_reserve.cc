#include "base/memory_reserve.h"

#include <array>
#include <cstddef>
#include <new>
#include <sys/mman.h>

namespace weir::base::memory_reserve {
namespace {

// As large as what the C library asks the system for, and more of them than
// threads ask at once. Untouched, so it costs no memory.
constexpr std::size_t kPartBytes = 2 * 1024 * 1024;
constexpr std::size_t kParts = 16;

std::array<std::atomic<void*>, kParts> parts{};

bool give_up_part() noexcept {
  whole.store(false, std::memory_order_relaxed);
  for (std::atomic<void*>& part : parts) {
    void* memory = part.exchange(nullptr);
    if (memory == nullptr) continue;
    munmap(memory, kPartBytes);
    return true;
  }
  return false;
}

}  // namespace

bool refill() {
  for (std::atomic<void*>& part : parts) {
    if (part.load() != nullptr) continue;
    void* memory = mmap(nullptr, kPartBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    part.store(memory);
  }
  whole.store(true, std::memory_order_relaxed);
  return true;
}

void keep() {
  refill();
  std::set_new_handler([] {
    if (!give_up_part()) throw std::bad_alloc();
  });
}

}  // namespace weir::base::memory_reserve
