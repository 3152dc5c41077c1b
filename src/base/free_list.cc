#include "base/free_list.h"

#include <cstdlib>
#include <new>
#include <vector>

#include "base/assert.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#endif

namespace weir::base {
namespace {

constexpr std::size_t kClassBytes = 16;
constexpr std::size_t kClasses = 128;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kSlabBytes = 64 * 1024;
constexpr std::size_t kKeptBuffers = 256;  // of each size; more than these go back to the heap

struct FreeBlock {
  FreeBlock* next;
};

struct ThreadLists {
  std::array<FreeBlock*, kClasses> frames{};
  std::vector<void*> slabs;
  std::vector<char*> buffers;
  std::vector<char*> large_buffers;

  ~ThreadLists() {
    for (void* slab : slabs) std::free(slab);
    for (char* buffer : buffers) std::free(buffer);
    for (char* buffer : large_buffers) std::free(buffer);
  }
  std::vector<char*>& buffers_of(std::size_t capacity) { return capacity == kBufferBytes ? buffers : large_buffers; }
};

thread_local ThreadLists lists;

[[maybe_unused]] void refill(std::size_t size_class) {  // not under AddressSanitizer
  std::size_t block_bytes = (size_class + 1) * kClassBytes;
  auto* slab = static_cast<char*>(std::aligned_alloc(kCacheLine, kSlabBytes));
  if (slab == nullptr) throw std::bad_alloc();
  lists.slabs.push_back(slab);
  for (std::size_t at = 0; at + block_bytes <= kSlabBytes; at += block_bytes) {
    auto* block = reinterpret_cast<FreeBlock*>(slab + at);
    block->next = lists.frames[size_class];
    lists.frames[size_class] = block;
  }
}

}  // namespace

// Under AddressSanitizer every block comes from the heap, so that use after free is seen.
#if __has_feature(address_sanitizer)
void* allocate_frame(std::size_t bytes) { return ::operator new(bytes); }
void free_frame(void* block, std::size_t) noexcept { ::operator delete(block); }
#else
void* allocate_frame(std::size_t bytes) {
  std::size_t size_class = (bytes - 1) / kClassBytes;
  if (size_class >= kClasses) return ::operator new(bytes);
  if (lists.frames[size_class] == nullptr) refill(size_class);
  FreeBlock* block = lists.frames[size_class];
  lists.frames[size_class] = block->next;
  return block;
}

void free_frame(void* memory, std::size_t bytes) noexcept {
  std::size_t size_class = (bytes - 1) / kClassBytes;
  if (size_class >= kClasses) return ::operator delete(memory);
  auto* block = static_cast<FreeBlock*>(memory);
  block->next = lists.frames[size_class];
  lists.frames[size_class] = block;
}
#endif

Buffer::Buffer(std::size_t capacity) : capacity_(capacity) {
  auto& kept = lists.buffers_of(capacity);
  if (kept.empty()) {
    data_ = static_cast<char*>(std::malloc(capacity));
    if (data_ == nullptr) throw std::bad_alloc();
    return;
  }
  data_ = kept.back();
  kept.pop_back();
  ASAN_UNPOISON_MEMORY_REGION(data_, capacity_);
}

void Buffer::release() noexcept {
  if (data_ == nullptr) return;
  auto& kept = lists.buffers_of(capacity_);
  if (kept.size() < kKeptBuffers) {
    ASAN_POISON_MEMORY_REGION(data_, capacity_);
    kept.push_back(data_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  capacity_ = 0;
}

}  // namespace weir::base
