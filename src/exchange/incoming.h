// The bytes read from a client and not yet used up: where heads are parsed.
#pragma once

#include <cstring>
#include <span>
#include <string_view>

#include "base/free_list.h"

namespace weir::exchange {

// Used bytes are dropped from the front; the rest moves only when room is needed. Views into it stay good until
// add_room(), replace() or destruction.
class Incoming {
 public:
  std::string_view bytes() const { return {buffer_.data() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void drop(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room behind the bytes. First call takes a small buffer; when that is full, a large one.
  std::span<char> add_room() {
    if (!buffer_) buffer_ = base::Buffer::small();
    if (end_ == buffer_.capacity() && begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.capacity() && buffer_.capacity() < base::kLargeBufferBytes) {
      base::Buffer large = base::Buffer::large();
      std::memcpy(large.data(), buffer_.data(), end_);
      buffer_ = std::move(large);
    }
    return {buffer_.data() + end_, buffer_.capacity() - end_};
  }
  void added(std::size_t count) { end_ += count; }
  // Drops everything up to `rest`, a view into bytes(), or takes over a copy of it if it lies elsewhere.
  void keep_only(std::string_view rest) {
    if (rest.empty()) {
      begin_ = end_ = 0;
    } else if (rest.data() >= buffer_.data() && rest.data() < buffer_.data() + buffer_.capacity()) {
      begin_ = static_cast<std::size_t>(rest.data() - buffer_.data());
      end_ = begin_ + rest.size();
    } else {
      if (rest.size() > buffer_.capacity()) buffer_ = base::Buffer::large();
      std::memcpy(buffer_.data(), rest.data(), rest.size());
      begin_ = 0;
      end_ = rest.size();
    }
  }
  void release() {
    buffer_.release();
    begin_ = end_ = 0;
  }

 private:
  base::Buffer buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace weir::exchange
