#include "http2/memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "base/free_list.h"

namespace weir::http2 {
namespace {

// In front of every block: its whole size, which the free lists ask for. Keeps the alignment of malloc().
constexpr std::size_t kHeaderBytes = alignof(std::max_align_t);

std::size_t whole_size(void* block) {
  std::size_t bytes = 0;
  std::memcpy(&bytes, static_cast<char*>(block) - kHeaderBytes, sizeof bytes);
  return bytes;
}

void* allocate(std::size_t bytes, void*) {
  if (bytes > SIZE_MAX - kHeaderBytes) return nullptr;
  std::size_t whole = bytes + kHeaderBytes;
  char* start = nullptr;
  try {
    start = static_cast<char*>(base::allocate_frame(whole));
  } catch (const std::bad_alloc&) {
    return nullptr;  // which nghttp2 reports
  }
  std::memcpy(start, &whole, sizeof whole);
  return start + kHeaderBytes;
}

void release(void* block, void*) {
  if (block != nullptr) base::free_frame(static_cast<char*>(block) - kHeaderBytes, whole_size(block));
}

void* allocate_zeroed(std::size_t count, std::size_t bytes, void* user) {
  if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
  void* block = allocate(count * bytes, user);
  if (block != nullptr) std::memset(block, 0, count * bytes);
  return block;
}

void* reallocate(void* block, std::size_t bytes, void* user) {
  if (block == nullptr) return allocate(bytes, user);
  std::size_t before = whole_size(block) - kHeaderBytes;
  void* moved = allocate(bytes, user);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(before, bytes));
  release(block, user);
  return moved;
}

}  // namespace

nghttp2_mem* memory() {
  static nghttp2_mem memory{
      .mem_user_data = nullptr, .malloc = allocate, .free = release, .calloc = allocate_zeroed, .realloc = reallocate};
  return &memory;
}

}  // namespace weir::http2
