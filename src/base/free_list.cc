#include "base/free_list.h"

#include <cstdlib>
#include <new>
#include <vector>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#endif

namespace weir::base {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kSlabBytes = 64 * 1024;

using free_lists::Block;
using free_lists::Buffers;

// Gives the thread's memory back when it ends.
struct Owner {
  std::vector<void*> slabs;

  // From now on there is something to give back: makes the owner of this thread.
  void begin() {}
  static void give_back(Buffers& buffers, std::size_t capacity) {
    for (Block* next = std::exchange(buffers.first, nullptr); next != nullptr;) {
      ASAN_UNPOISON_MEMORY_REGION(next, capacity);
      std::free(std::exchange(next, next->next));
    }
    buffers.count = free_lists::kKeptBuffers;  // what other destructors still release goes to the heap
  }
  ~Owner() {
    for (void* slab : slabs) std::free(slab);
    give_back(free_lists::small_buffers, kBufferBytes);
    give_back(free_lists::large_buffers, kLargeBufferBytes);
  }
};
thread_local Owner owner;

}  // namespace

namespace free_lists {

void* allocate_slowly(std::size_t bytes) {
  std::size_t size_class = (bytes - 1) / kClassBytes;
  if (!kUsed || size_class >= kClasses) return ::operator new(bytes);
  std::size_t block_bytes = (size_class + 1) * kClassBytes;
  auto* slab = static_cast<char*>(std::aligned_alloc(kCacheLine, kSlabBytes));
  if (slab == nullptr) throw std::bad_alloc();
  owner.slabs.push_back(slab);
  for (std::size_t at = 0; at + block_bytes <= kSlabBytes; at += block_bytes) {
    auto* block = reinterpret_cast<Block*>(slab + at);
    block->next = frames[size_class];
    frames[size_class] = block;
  }
  return std::exchange(frames[size_class], frames[size_class]->next);
}

void free_slowly(void* block) noexcept { ::operator delete(block); }

// Under AddressSanitizer buffers take this way each time, and what lies in the lists may not be touched.
char* take_buffer_slowly(Buffers& kept, std::size_t capacity) {
  if (kept.first != nullptr) {
    ASAN_UNPOISON_MEMORY_REGION(kept.first, capacity);
    --kept.count;
    return reinterpret_cast<char*>(std::exchange(kept.first, kept.first->next));
  }
  owner.begin();
  auto* data = static_cast<char*>(std::malloc(capacity));
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

void free_buffer_slowly(Buffers& kept, void* data, std::size_t capacity) noexcept {
  if (kept.count >= kKeptBuffers) return std::free(data);
  auto* block = static_cast<Block*>(data);
  block->next = kept.first;
  kept.first = block;
  ++kept.count;
  ASAN_POISON_MEMORY_REGION(data, capacity);
}

}  // namespace free_lists

}  // namespace weir::base
