// Bytes of a body that have arrived on an HTTP/2 stream and were not used yet.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/free_list.h"

namespace weir::http2 {

// A queue in buffers from the free lists; none while it is empty. Its owner bounds it (by the flow-control window).
class Input {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // `large`: much is expected to follow.
  void append(std::string_view bytes, bool large) {
    size_ += bytes.size();
    while (!bytes.empty()) {
      if (buffers_.empty() || end_ == buffers_.back().capacity()) {
        buffers_.push_back(large ? base::Buffer::large() : base::Buffer::small());
        end_ = 0;
      }
      base::Buffer& last = buffers_.back();
      std::size_t count = std::min(bytes.size(), last.capacity() - end_);
      std::memcpy(last.data() + end_, bytes.data(), count);
      end_ += count;
      bytes.remove_prefix(count);
    }
  }
  // The longest run at the front; stays where it is until it is dropped.
  std::string_view front() const {
    if (empty()) return {};
    std::size_t end = buffers_.size() == 1 ? end_ : buffers_.front().capacity();
    return {buffers_.front().data() + begin_, end - begin_};
  }
  void drop(std::size_t count) {
    begin_ += count;
    size_ -= count;
    if (empty()) {
      buffers_.clear();
      begin_ = end_ = 0;
    } else if (begin_ == buffers_.front().capacity()) {
      buffers_.erase(buffers_.begin());
      begin_ = 0;
    }
  }
  void clear() {
    buffers_.clear();
    begin_ = end_ = size_ = 0;
  }

 private:
  std::vector<base::Buffer> buffers_;
  std::size_t begin_ = 0;  // in the first
  std::size_t end_ = 0;    // in the last
  std::size_t size_ = 0;
};

}  // namespace weir::http2
