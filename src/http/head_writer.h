// Writing heads and chunk framing into memory that the caller owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "http/message.h"

namespace weir::http {

// Takes a head field by field where it is not written as text (HTTP/2). Called by a HeadWriter.
class FieldSink {
 public:
  virtual void request_line(std::string_view method, std::string_view target) = 0;
  virtual void status_line(std::uint16_t status) = 0;
  // `lasting`: the value stays where it is until the head is sent; the others stay during the call only.
  virtual void field(std::string_view name, std::string_view value, bool lasting, bool never_indexed) = 0;

 protected:
  ~FieldSink() = default;
};

// Writes one head into `out`, never beyond it and without allocating. What does not fit is left out whole and
// overflowed() says so from then on: the head is then useless. Does not check what it is given: names and values come
// from parsed heads or from checked configuration (is_token and is_field_value in http/chars.h).
class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> out) : begin_(out.data()), next_(out.data()), end_(out.data() + out.size()) {}
  // Passes the head on to `sink`; then nothing but fields may be written: no raw().
  explicit HeadWriter(FieldSink& sink) : begin_(nullptr), next_(nullptr), end_(nullptr), sink_(&sink) {}
  bool is_text() const { return sink_ == nullptr; }

  // "GET /path HTTP/1.1" with its CRLF. Weir always speaks 1.1 (RFC 9112 2.3).
  void request_line(std::string_view method, std::string_view target);
  // "HTTP/1.1 200 OK" with its CRLF; the space stands even where the reason is empty (RFC 9112 4).
  void status_line(std::uint16_t status, std::string_view reason);
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t value);
  // As received.
  void field(const HeaderField& received) {
    if (sink_ != nullptr) return sink_->field(received.name, received.value, true, received.never_indexed);
    field(received.name, received.value);
  }
  // A field whose value is gone after the call.
  void passing_field(std::string_view name, std::string_view value);
  // Bytes that are whole field lines already.
  void raw(std::string_view lines);
  // The empty line that ends the head.
  void end() {
    if (is_text()) raw("\r\n");
  }

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
  FieldSink* sink_ = nullptr;
  bool overflowed_ = false;
};

// The bytes around a chunk's data: write_chunk_header, the data, kChunkEnd; after all chunks "0\r\n", the trailer
// lines, "\r\n" (RFC 9112 7.1).
inline constexpr std::size_t kChunkHeaderBytes = 18;
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n";
inline constexpr std::string_view kLastChunkWithoutTrailers = "0\r\n\r\n";
// Writes the size in hexadecimal and CRLF; returns how many bytes. `size` > 0: a zero would end the body.
std::size_t write_chunk_header(std::span<char, kChunkHeaderBytes> out, std::uint64_t size);

}  // namespace weir::http
