// Makes allocations of a unit test's program fail: to be included by one of its files, as it replaces operator new.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t fail_from = SIZE_MAX;
thread_local std::size_t spared = 0;

bool must_fail(std::size_t bytes) {
  if (bytes < fail_from) return false;
  if (spared == 0) return true;
  --spared;
  return false;
}

void* allocate_or_fail(std::size_t bytes, std::size_t alignment) {
  while (true) {
    void* memory =
        must_fail(bytes) ? nullptr : std::aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
    if (memory != nullptr) return memory;
    std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate_or_fail(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_fail(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace weir::net {

// Allocations of this thread fail while it lives: those of so many bytes and more, behind so many of them.
class Failing {
 public:
  explicit Failing(std::size_t from = 0, std::size_t behind = 0) {
    fail_from = from;
    spared = behind;
  }
  ~Failing() { fail_from = SIZE_MAX; }
};

}  // namespace weir::net
