// Memory of one exchange: grows by blocks, is forgotten all at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::base {

// Bump allocator for bytes. The first block is kept over reset(), so a reused arena does not touch the heap.
// Not thread-safe. Memory that it hands out lives until reset() or destruction.
class Arena {
 public:
  explicit Arena(std::size_t block_bytes = 2048) : block_bytes_(block_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  char* allocate(std::size_t bytes) {
    if (bytes > left_) grow(bytes);
    char* start = next_;
    next_ += bytes;
    left_ -= bytes;
    return start;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* start = allocate(text.size());
    std::memcpy(start, text.data(), text.size());
    return {start, text.size()};
  }
  // The parts one after the other.
  template <typename... Parts>
  std::string_view join(Parts... parts) {
    std::size_t total = (std::string_view(parts).size() + ... + 0);
    char* start = allocate(total);
    char* at = start;
    auto append = [&at](std::string_view part) {
      if (!part.empty()) std::memcpy(at, part.data(), part.size());
      at += part.size();
    };
    (append(parts), ...);
    return {start, total};
  }
  void reset() {
    if (blocks_.empty()) return;
    blocks_.resize(1);
    next_ = blocks_.front().get();
    left_ = block_bytes_;
  }

 private:
  void grow(std::size_t bytes) {
    std::size_t size = blocks_.empty() || bytes <= block_bytes_ ? block_bytes_ : bytes;
    if (blocks_.empty() && bytes > block_bytes_) {
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_bytes_));
      size = bytes;
    }
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = blocks_.back().get();
    left_ = size;
  }

  std::size_t block_bytes_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace weir::base
