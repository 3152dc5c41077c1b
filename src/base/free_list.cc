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
constexpr std::uint32_t kKeptBuffers = 256;  // of each size; more than these go back to the heap

using free_lists::Block;

// Free buffers, linked through their first bytes.
struct Buffers {
  Block* first = nullptr;
  std::uint32_t count = 0;
};
constinit thread_local Buffers small_buffers;
constinit thread_local Buffers large_buffers;

Buffers& buffers_of(std::size_t capacity) { return capacity == kBufferBytes ? small_buffers : large_buffers; }

// Gives the thread's memory back when it ends.
struct Owner {
  std::vector<void*> slabs;

  // From now on there is something to give back: makes the owner of this thread.
  void begin() {}
  ~Owner() {
    for (void* slab : slabs) std::free(slab);
    for (std::size_t capacity : {kBufferBytes, kLargeBufferBytes}) {
      for (Block* next = std::exchange(buffers_of(capacity).first, nullptr); next != nullptr;) {
        ASAN_UNPOISON_MEMORY_REGION(next, capacity);
        std::free(std::exchange(next, next->next));
      }
      buffers_of(capacity).count = kKeptBuffers;  // what other destructors still release goes to the heap
    }
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

}  // namespace free_lists

Buffer::Buffer(std::size_t capacity) : capacity_(capacity) {
  Buffers& kept = buffers_of(capacity);
  if (kept.first == nullptr) {
    owner.begin();
    data_ = static_cast<char*>(std::malloc(capacity));
    if (data_ == nullptr) throw std::bad_alloc();
    return;
  }
  data_ = reinterpret_cast<char*>(kept.first);
  ASAN_UNPOISON_MEMORY_REGION(data_, capacity_);
  kept.first = kept.first->next;
  --kept.count;
}

void Buffer::release() noexcept {
  if (data_ == nullptr) return;
  Buffers& kept = buffers_of(capacity_);
  if (kept.count < kKeptBuffers) {
    auto* block = reinterpret_cast<Block*>(data_);
    block->next = kept.first;
    kept.first = block;
    ++kept.count;
    ASAN_POISON_MEMORY_REGION(data_, capacity_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  capacity_ = 0;
}

}  // namespace weir::base
