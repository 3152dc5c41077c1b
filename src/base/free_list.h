// Per-thread free lists: memory that is used again at once, still warm in the cache, without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir::base {

// Blocks for coroutine frames and small objects: size classes of 16 bytes up to 2 KiB, larger sizes from the heap.
// Each thread has its own lists. A block must be freed on the thread that allocated it. Blocks are cut from slabs of
// 64 KiB that are kept for the life of the thread.
void* allocate_frame(std::size_t bytes);
void free_frame(void* block, std::size_t bytes) noexcept;

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
  void release() noexcept;

 private:
  explicit Buffer(std::size_t capacity);
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace weir::base
