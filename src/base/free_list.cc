#include "base/free_list.h"

#include <cstdint>
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

// Slabs are aligned to their size, so that a block finds its own.
constexpr std::size_t kSlabBytes = 64 * 1024;
constexpr std::align_val_t kSlabAlignment{kSlabBytes};

// Behind each buffer, so that those that lie behind one another begin at different sets of the processor's caches: an
// odd number of lines with the heap's own 16 bytes.
constexpr std::size_t kStaggerBytes = 5 * 64 - 16;

// The kernel copies fastest to whole lines of the processor's caches.
constexpr std::align_val_t kBufferAlignment{64};

using free_lists::Block;
using free_lists::Buffers;
using free_lists::frames;
using free_lists::kClassBytes;
using free_lists::kClasses;

// At the beginning of a slab. While the free blocks of its size are being sorted by slab, those of this one.
struct alignas(64) Slab {
  std::size_t block_bytes;
  std::uint32_t capacity;
  std::uint32_t sorted = 0;
  Block* first = nullptr;
  Block* last = nullptr;

  static Slab& of(Block* block) {
    return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(kSlabBytes - 1));
  }
  void sort_in(Block* block) {
    block->next = first;
    if (first == nullptr) last = block;
    first = block;
    ++sorted;
  }
};

// Gives the thread's memory back when it ends.
struct Owner {
  std::array<std::vector<Slab*>, kClasses> slabs;
  std::size_t sorting = 0;  // the size whose blocks are being sorted

  // From now on there is something to give back: makes the owner of this thread.
  void begin() {}

  void add_slab(std::size_t size_class) {
    std::vector<Slab*>& of_size = slabs[size_class];
    of_size.reserve(of_size.size() + 1);
    void* memory = ::operator new(kSlabBytes, kSlabAlignment);
    std::size_t block_bytes = (size_class + 1) * kClassBytes;
    auto capacity = static_cast<std::uint32_t>((kSlabBytes - sizeof(Slab)) / block_bytes);
    auto* slab = new (memory) Slab{.block_bytes = block_bytes, .capacity = capacity};
    of_size.push_back(slab);
    // The block that is used first, and so most, lies elsewhere in the slabs of each size: at the same place in all of
    // them, they would compete for the same sets of the processor's caches.
    constexpr std::size_t kApart = 5 * 1024 + 64;
    std::size_t first = size_class * kApart / block_bytes;
    for (std::uint32_t i = 0; i < capacity; ++i) {
      std::size_t place = (first + i) % capacity;
      auto* block = reinterpret_cast<Block*>(reinterpret_cast<char*>(slab + 1) + place * block_bytes);
      block->next = std::exchange(frames[size_class], block);
    }
  }

  // Makes what was sorted available again, without the slabs that nobody uses when `give_back`: their bytes.
  std::size_t end_sorting(bool give_back) {
    std::vector<Slab*>& of_size = slabs[sorting];
    std::size_t before = of_size.size();
    std::size_t kept = 0;
    for (Slab* slab : of_size) {
      if (give_back && slab->sorted == slab->capacity) {
        ::operator delete(slab, kSlabAlignment);
        continue;
      }
      of_size[kept++] = slab;
      if (slab->first == nullptr) continue;
      slab->last->next = frames[sorting];
      frames[sorting] = slab->first;
      slab->first = slab->last = nullptr;
      slab->sorted = 0;
    }
    of_size.resize(kept);
    return (before - kept) * kSlabBytes;
  }

  static std::size_t give_back(Buffers& buffers, std::size_t capacity, std::uint32_t leave) {
    std::size_t bytes = buffers.count > leave ? (buffers.count - leave) * capacity : 0;
    while (buffers.count > leave) {
      Block* block = buffers.first;
      ASAN_UNPOISON_MEMORY_REGION(block, capacity);
      buffers.first = block->next;
      --buffers.count;
      ::operator delete(block, kBufferAlignment);
    }
    return bytes;
  }
  ~Owner() {
    for (std::vector<Slab*>& of_size : slabs) {
      for (Slab* slab : of_size) ::operator delete(slab, kSlabAlignment);
    }
    for (Buffers* buffers : {&free_lists::small_buffers, &free_lists::large_buffers}) {
      give_back(*buffers, buffers == &free_lists::small_buffers ? kBufferBytes : kLargeBufferBytes, 0);
      buffers->count = free_lists::kKeptBuffers;  // what other destructors still release goes to the heap
    }
  }
};
thread_local Owner owner;

}  // namespace

namespace free_lists {

void* allocate_slowly(std::size_t bytes) {
  std::size_t size_class = (bytes - 1) / kClassBytes;
  if (!kUsed || size_class >= kClasses) return ::operator new(bytes);
  if (size_class == owner.sorting) owner.end_sorting(false);
  if (frames[size_class] == nullptr) owner.add_slab(size_class);
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
  return static_cast<char*>(::operator new(capacity + kStaggerBytes, kBufferAlignment));
}

void free_buffer_slowly(Buffers& kept, void* data, std::size_t capacity) noexcept {
  if (kept.count >= kKeptBuffers) return ::operator delete(data, kBufferAlignment);
  auto* block = static_cast<Block*>(data);
  block->next = kept.first;
  kept.first = block;
  ++kept.count;
  ASAN_POISON_MEMORY_REGION(data, capacity);
}

}  // namespace free_lists

std::size_t give_back_buffers() {
  Buffers& small = free_lists::small_buffers;
  Buffers& large = free_lists::large_buffers;
  return Owner::give_back(small, kBufferBytes, small.count / 2) +
         Owner::give_back(large, kLargeBufferBytes, large.count / 2);
}

std::size_t give_back_frames(std::size_t most, bool& ended) {
  ended = !free_lists::kUsed;
  std::size_t bytes = 0;
  for (std::size_t done = 0; done < most && !ended; ++done) {
    Block*& free = frames[owner.sorting];
    if (free != nullptr && !owner.slabs[owner.sorting].empty()) {
      Block* block = std::exchange(free, free->next);
      Slab::of(block).sort_in(block);
      continue;
    }
    bytes += owner.end_sorting(true);
    done += owner.slabs[owner.sorting].size();
    owner.sorting = (owner.sorting + 1) % kClasses;
    ended = owner.sorting == 0;
  }
  return bytes;
}

}  // namespace weir::base
