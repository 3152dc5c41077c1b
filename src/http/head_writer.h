// Writing heads and chunk framing into memory that the caller owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace weir::http {

// Writes one head into `out`, never beyond it and without allocating. What does not fit is left out whole and
// overflowed() says so from then on: the head is then useless. Does not check what it is given: names and values come
// from parsed heads or from checked configuration (is_token and is_field_value in http/chars.h).
class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> out) : begin_(out.data()), next_(out.data()), end_(out.data() + out.size()) {}

  // "GET /path HTTP/1.1" with its CRLF. Weir always speaks 1.1 (RFC 9112 2.3).
  void request_line(std::string_view method, std::string_view target);
  // "HTTP/1.1 200 OK" with its CRLF; the space stands even where the reason is empty (RFC 9112 4).
  void status_line(std::uint16_t status, std::string_view reason);
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t value);
  // Bytes that are whole field lines already.
  void raw(std::string_view lines);
  // The empty line that ends the head.
  void end() { raw("\r\n"); }

  bool overflowed() const { return overflowed_; }
  std::size_t size() const { return static_cast<std::size_t>(next_ - begin_); }
  std::string_view text() const { return {begin_, size()}; }

 private:
  bool reserve(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - next_) < bytes || overflowed_) overflowed_ = true;
    return !overflowed_;
  }
  char* begin_;
  char* next_;
  char* end_;
  bool overflowed_ = false;
};

// What stands around a chunk's data: write_chunk_header, the data, kChunkEnd; after all chunks "0\r\n", the trailer
// lines, "\r\n" (RFC 9112 7.1).
inline constexpr std::size_t kChunkHeaderBytes = 18;
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n";
inline constexpr std::string_view kLastChunkWithoutTrailers = "0\r\n\r\n";
// Writes the size in hexadecimal and CRLF; returns how many bytes. `size` > 0: a zero would end the body.
std::size_t write_chunk_header(std::span<char, kChunkHeaderBytes> out, std::uint64_t size);

}  // namespace weir::http
