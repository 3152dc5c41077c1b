// Where the frames of a WebSocket begin and end in a stream of bytes (RFC 6455 5.2).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace weir::http {

// Follows one direction; looks at nothing but frame headers.
class WebsocketFrames {
 public:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (payload_left_ > 0) {
        auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
        payload_left_ -= skipped;
        bytes.remove_prefix(skipped);
        continue;
      }
      header_[header_bytes_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (header_bytes_ < 2 || header_bytes_ < header_size()) continue;
      if ((header_[0] & 0x0f) == kClose) closed_ = true;
      payload_left_ = payload_size();
      header_bytes_ = 0;
    }
  }
  // A whole frame has ended, or none has begun: another one may be put in here.
  bool at_boundary() const { return header_bytes_ == 0 && payload_left_ == 0; }
  // A Close frame has begun: no frame may follow it.
  bool closed() const { return closed_; }

 private:
  static constexpr unsigned kClose = 8;
  std::size_t length_bytes() const {
    unsigned length = header_[1] & 0x7f;
    return length == 126 ? 2 : length == 127 ? 8 : 0;
  }
  std::size_t header_size() const { return 2 + length_bytes() + ((header_[1] & 0x80) != 0 ? 4 : 0); }
  std::uint64_t payload_size() const {
    if (length_bytes() == 0) return header_[1] & 0x7f;
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < length_bytes(); ++i) size = size << 8 | header_[2 + i];
    return size;
  }

  std::array<unsigned char, 14> header_{};
  std::size_t header_bytes_ = 0;
  std::uint64_t payload_left_ = 0;
  bool closed_ = false;
};

}  // namespace weir::http
