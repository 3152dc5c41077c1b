// Where frames begin in the bytes of an HTTP/2 connection (RFC 9113 4.1).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace weir::http2 {

// Reads the headers of frames and skips their payload, in pieces of any size. Not thread-safe.
class FrameScan {
 public:
  static constexpr std::size_t kHeaderBytes = 9;
  struct Frame {
    std::uint8_t type;
    std::uint8_t flags;
    std::int32_t stream;
  };

  // `skipped`: what comes before the first frame (the preface).
  explicit FrameScan(std::uint32_t skipped) : left_(skipped) {}

  // Up to the end of the next header: how many of `bytes` those are, and the header if it is whole.
  std::size_t next(std::string_view bytes, std::optional<Frame>& frame) {
    std::size_t at = std::min<std::size_t>(left_, bytes.size());
    left_ -= static_cast<std::uint32_t>(at);
    std::size_t count = std::min(kHeaderBytes - have_, bytes.size() - at);
    if (count > 0) std::memcpy(header_.data() + have_, bytes.data() + at, count);
    have_ += count;
    frame.reset();
    if (have_ == kHeaderBytes) {
      have_ = 0;
      left_ = number(0, 3);
      frame = {.type = header_[3], .flags = header_[4], .stream = static_cast<std::int32_t>(number(5, 4) & INT32_MAX)};
    }
    return at + count;
  }

 private:
  std::uint32_t number(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | header_[at + i];
    return value;
  }

  std::uint32_t left_;  // of the payload
  std::size_t have_ = 0;
  std::array<std::uint8_t, kHeaderBytes> header_{};
};

}  // namespace weir::http2
