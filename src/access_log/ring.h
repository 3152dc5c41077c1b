// Bytes on their way from one worker to the writer of the access log.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/assert.h"

namespace weir::access_log {

// A bounded queue of bytes with one producer and one consumer, lock-free. Positions count all bytes ever put in.
class Ring {
 public:
  // `bytes` is a power of two.
  explicit Ring(std::size_t bytes) : data_(std::make_unique_for_overwrite<char[]>(bytes)), capacity_(bytes) {
    WEIR_ASSERT(std::has_single_bit(bytes));
  }

  // ---- the producer
  // `bytes` of room in one piece, or null when there is none here (though put() may still find some).
  char* reserve(std::size_t bytes) {
    std::size_t to_end = capacity_ - offset(end_);
    return bytes <= to_end && has_room(bytes) ? data_.get() + offset(end_) : nullptr;
  }
  // Publishes the first `bytes` of what reserve() gave. True when the consumer should be told, once a quarter.
  bool commit(std::size_t bytes) {
    end_ += bytes;
    published_.store(end_, std::memory_order_release);
    if (end_ - told_at_ < capacity_ / 4) return false;
    told_at_ = end_;
    return true;
  }
  // Copies `text` in; only after this returned true, call commit(text.size()). False when it does not fit.
  bool put(std::string_view text) {
    if (!has_room(text.size())) return false;
    std::size_t first = std::min(text.size(), capacity_ - offset(end_));
    std::memcpy(data_.get() + offset(end_), text.data(), first);
    std::memcpy(data_.get(), text.data() + first, text.size() - first);
    return true;
  }

  // ---- the consumer
  // Up to where there is something to read now.
  std::uint64_t published() const { return published_.load(std::memory_order_acquire); }
  std::uint64_t consumed() const { return consumed_.load(std::memory_order_relaxed); }
  // The bytes before position `until` (from published()), in one piece; empty when consumed() has reached it.
  std::string_view readable(std::uint64_t until) const {
    std::uint64_t start = consumed();
    std::size_t to_end = capacity_ - offset(start);
    return {data_.get() + offset(start), std::min<std::size_t>(until - start, to_end)};
  }
  void consume(std::size_t bytes) { consumed_.store(consumed() + bytes, std::memory_order_release); }

 private:
  std::size_t offset(std::uint64_t position) const { return static_cast<std::size_t>(position) & (capacity_ - 1); }
  bool has_room(std::size_t bytes) {
    if (end_ - seen_consumed_ + bytes <= capacity_) return true;
    seen_consumed_ = consumed_.load(std::memory_order_acquire);
    return end_ - seen_consumed_ + bytes <= capacity_;
  }

  const std::unique_ptr<char[]> data_;
  const std::size_t capacity_;
  alignas(64) std::uint64_t end_ = 0;  // the producer's, as the next two
  std::uint64_t seen_consumed_ = 0;
  std::uint64_t told_at_ = 0;
  std::atomic<std::uint64_t> published_{0};
  alignas(64) std::atomic<std::uint64_t> consumed_{0};
};

}  // namespace weir::access_log
