// Per-thread free lists: memory that is used again at once, still warm in the cache, without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir::base {

namespace free_lists {

struct Block {
  Block* next;
};
inline constexpr std::size_t kClassBytes = 16;
inline constexpr std::size_t kClasses = 128;
// Trivial, so that reaching it costs no check for its construction.
inline constinit thread_local std::array<Block*, kClasses> frames{};
// Fills the list of that class, or takes a block from the heap: what the usual case is not.
void* allocate_slowly(std::size_t bytes);
void free_slowly(void* block) noexcept;

// Under AddressSanitizer every block comes from the heap, so that use after free is seen.
#if __has_feature(address_sanitizer)
inline constexpr bool kUsed = false;
#else
inline constexpr bool kUsed = true;
#endif

}  // namespace free_lists

// Blocks for coroutine frames and small objects: size classes of 16 bytes up to 2 KiB, larger sizes from the heap. Each
// thread has its own lists. A block must be freed on the thread that allocated it. Blocks are cut from slabs of 64 KiB,
// which are kept until give_back_frames() finds all their blocks free. `bytes` > 0. Throws bad_alloc.
inline void* allocate_frame(std::size_t bytes) {
  using namespace free_lists;
  std::size_t size_class = (bytes - 1) / kClassBytes;
  if (!kUsed || size_class >= kClasses || frames[size_class] == nullptr) [[unlikely]]
    return allocate_slowly(bytes);
  Block* block = frames[size_class];
  frames[size_class] = block->next;
  return block;
}

inline void free_frame(void* memory, std::size_t bytes) noexcept {
  using namespace free_lists;
  std::size_t size_class = (bytes - 1) / kClassBytes;
  if (!kUsed || size_class >= kClasses) [[unlikely]]
    return free_slowly(memory);
  auto* block = static_cast<Block*>(memory);
  block->next = frames[size_class];
  frames[size_class] = block;
}

namespace free_lists {

// Free buffers of one size, linked through their first bytes.
struct Buffers {
  Block* first = nullptr;
  std::uint32_t count = 0;
};
inline constexpr std::uint32_t kKeptBuffers = 256;  // of each size; more than these go back to the heap
inline constinit thread_local Buffers small_buffers{};
inline constinit thread_local Buffers large_buffers{};
char* take_buffer_slowly(Buffers& kept, std::size_t capacity);
void free_buffer_slowly(Buffers& kept, void* data, std::size_t capacity) noexcept;

}  // namespace free_lists

inline constexpr std::size_t kBufferBytes = 16 * 1024;
inline constexpr std::size_t kLargeBufferBytes = 64 * 1024;

// A byte buffer borrowed from its thread's free list, of kBufferBytes or kLargeBufferBytes. Move-only; returned on
// destruction, on the same thread. An empty Buffer holds no memory.
class Buffer {
 public:
  Buffer() = default;
  static Buffer small() { return Buffer(kBufferBytes); }
  static Buffer large() { return Buffer(kLargeBufferBytes); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Buffer() { release(); }

  explicit operator bool() const { return data_ != nullptr; }
  char* data() { return data_; }
  const char* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }
  void release() noexcept {
    if (data_ == nullptr) return;
    free_lists::Buffers& kept = kept_of(capacity_);
    if (!free_lists::kUsed || kept.count >= free_lists::kKeptBuffers) [[unlikely]] {
      free_lists::free_buffer_slowly(kept, data_, capacity_);
    } else {
      auto* block = reinterpret_cast<free_lists::Block*>(data_);
      block->next = kept.first;
      kept.first = block;
      ++kept.count;
    }
    data_ = nullptr;
    capacity_ = 0;
  }

 private:
  static free_lists::Buffers& kept_of(std::size_t capacity) {
    return capacity == kBufferBytes ? free_lists::small_buffers : free_lists::large_buffers;
  }
  explicit Buffer(std::size_t capacity) : capacity_(capacity) {
    free_lists::Buffers& kept = kept_of(capacity);
    if (!free_lists::kUsed || kept.first == nullptr) [[unlikely]] {
      data_ = free_lists::take_buffer_slowly(kept, capacity);
      return;
    }
    data_ = reinterpret_cast<char*>(kept.first);
    kept.first = kept.first->next;
    --kept.count;
  }
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

// Gives memory that the calling thread keeps for later back to the heap: half of its free buffers, and slabs whose
// blocks are all free. Both say how many bytes. The latter by steps of about `most` blocks, one size after the other;
// `ended` when the last size was done.
std::size_t give_back_buffers();
std::size_t give_back_frames(std::size_t most, bool& ended);

}  // namespace weir::base
