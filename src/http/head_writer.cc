#include "http/head_writer.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace weir::http {
namespace {

template <std::size_t kBytes>
void copy_ends(char* to, const char* from, std::size_t size) {
  char head[kBytes];
  char tail[kBytes];
  std::memcpy(head, from, kBytes);
  std::memcpy(tail, from + size - kBytes, kBytes);
  std::memcpy(to, head, kBytes);
  std::memcpy(to + size - kBytes, tail, kBytes);
}

// memcpy for names and values, most of which are short: a few moves that overlap instead of a call.
[[gnu::always_inline]] inline char* copy(char* to, std::string_view text) {
  const std::size_t size = text.size();
  if (size > 32) {
    std::memcpy(to, text.data(), size);
  } else if (size >= 16) {
    copy_ends<16>(to, text.data(), size);
  } else if (size >= 8) {
    copy_ends<8>(to, text.data(), size);
  } else if (size >= 4) {
    copy_ends<4>(to, text.data(), size);
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = text[i];
  }
  return to + size;
}

}  // namespace

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  if (sink_ != nullptr) return sink_->request_line(method, target);
  if (!reserve(method.size() + target.size() + 12)) return;
  next_ = copy(next_, method);
  *next_++ = ' ';
  next_ = copy(next_, target);
  next_ = copy(next_, " HTTP/1.1\r\n");
}

void HeadWriter::status_line(std::uint16_t status, std::string_view reason) {
  WEIR_ASSERT(status >= 100 && status <= 999);
  if (sink_ != nullptr) return sink_->status_line(status);
  if (!reserve(reason.size() + 15)) return;
  next_ = copy(next_, "HTTP/1.1 ");
  *next_++ = static_cast<char>('0' + status / 100);
  *next_++ = static_cast<char>('0' + status / 10 % 10);
  *next_++ = static_cast<char>('0' + status % 10);
  *next_++ = ' ';
  next_ = copy(next_, reason);
  next_ = copy(next_, "\r\n");
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  if (sink_ != nullptr) return sink_->field(name, value, true, false);
  if (!reserve(name.size() + value.size() + 4)) return;
  next_ = copy(next_, name);
  next_ = copy(next_, ": ");
  next_ = copy(next_, value);
  next_ = copy(next_, "\r\n");
}

void HeadWriter::field(std::string_view name, std::uint64_t value) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  passing_field(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void HeadWriter::passing_field(std::string_view name, std::string_view value) {
  if (sink_ != nullptr) return sink_->field(name, value, false, false);
  field(name, value);
}

void HeadWriter::raw(std::string_view lines) {
  WEIR_ASSERT(sink_ == nullptr);
  if (reserve(lines.size())) next_ = copy(next_, lines);
}

std::size_t write_chunk_header(std::span<char, kChunkHeaderBytes> out, std::uint64_t size) {
  WEIR_ASSERT(size != 0);
  char* end = std::to_chars(out.data(), out.data() + 16, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  return static_cast<std::size_t>(end + 2 - out.data());
}

}  // namespace weir::http
