#include "exchange/h1_text.h"

namespace weir::exchange {
namespace {

// "0", the trailer fields, and the empty line.
std::string_view last_chunk(const http::HeaderMap* trailers, base::Arena& arena) {
  if (trailers == nullptr || trailers->empty()) return http::kLastChunkWithoutTrailers;
  std::string_view text = http::kLastChunk;
  for (const http::HeaderField& field : *trailers) text = arena.join(text, field.name, ": ", field.value, "\r\n");
  return arena.join(text, "\r\n");
}

}  // namespace

FramedPiece::FramedPiece(std::string_view head, const http::BodyPiece& piece, bool chunked,
                         const http::HeaderMap* trailers, base::Arena& arena)
    : parts_{head, piece.data, {}, {}} {
  if (!chunked) return;
  std::size_t header_bytes = piece.data.empty() ? 0 : http::write_chunk_header(chunk_header_, piece.data.size());
  std::string_view tail = piece.data.empty() ? std::string_view() : http::kChunkEnd;
  if (piece.last && piece.data.empty()) {
    tail = last_chunk(trailers, arena);
  } else if (piece.last) {
    bool bare = trailers == nullptr || trailers->empty();
    tail = bare ? std::string_view("\r\n0\r\n\r\n") : arena.join(tail, last_chunk(trailers, arena));
  }
  parts_ = {head, {chunk_header_.data(), header_bytes}, piece.data, tail};
  count_ = 4;
}

std::size_t FramedPiece::size() const {
  std::size_t total = 0;
  for (std::string_view part : parts()) total += part.size();
  return total;
}

}  // namespace weir::exchange
