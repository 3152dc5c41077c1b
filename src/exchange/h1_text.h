// HTTP/1 messages as both sides of an exchange write them.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "base/free_list.h"
#include "exchange/head_source.h"
#include "http/h1_body.h"
#include "http/head_writer.h"
#include "http/message.h"

namespace weir::exchange {

// Writes with `write(HeadWriter&)` into `out`, taking a larger buffer when that overflows. Empty when even 64 KB are
// too little, or when there is no such head.
template <typename Write>
std::string_view write_head(base::Buffer& out, Write write) {
  if (!out) out = base::Buffer::small();
  http::HeadWriter small({out.data(), out.capacity()});
  if (!write(small)) return {};
  if (!small.overflowed()) return small.text();
  out = base::Buffer::large();
  http::HeadWriter large({out.data(), out.capacity()});
  write(large);
  return large.overflowed() ? std::string_view() : large.text();
}

// A head and a piece of body in chunked coding, or as they are, ready for one write.
class FramedPiece {
 public:
  // `trailers` (may be null) go behind the last piece of a chunked body; their text is made in `arena`.
  FramedPiece(std::string_view head, const http::BodyPiece& piece, bool chunked, const http::HeaderMap* trailers,
              base::Arena& arena);
  FramedPiece(const FramedPiece&) = delete;
  FramedPiece& operator=(const FramedPiece&) = delete;
  std::span<const std::string_view> parts() const { return {parts_.data(), count_}; }
  std::size_t size() const;

 private:
  std::array<char, http::kChunkHeaderBytes> chunk_header_;
  std::array<std::string_view, 4> parts_;
  std::size_t count_ = 2;
};

}  // namespace weir::exchange
