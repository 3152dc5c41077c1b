// Text put together in an arena when its length is not known before.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/arena.h"

namespace weir::route {

// True for bytes that a URI holds as they are (RFC 3986 2; '#' and '%' included). The backslash is not among them:
// browsers take it for a slash.
constexpr bool is_uri_byte(char c) { return c > ' ' && c < 0x7f && !std::string_view("\"<>\\^`{|}").contains(c); }

// Appends, doubling its room in the arena. The text lives as long as the arena.
class TextBuilder {
 public:
  TextBuilder(base::Arena& arena, std::size_t expected_bytes)
      : arena_(arena), capacity_(std::max<std::size_t>(expected_bytes, 16)), start_(arena.allocate(capacity_)) {}

  void append(std::string_view text) {
    if (text.empty()) return;
    reserve(text.size());
    std::memcpy(start_ + size_, text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) { append(std::string_view(&c, 1)); }
  // Bytes that cannot stand in a URI become %XX.
  void append_encoded(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    reserve(text.size());
    for (char c : text) {
      if (is_uri_byte(c)) {
        append(c);
        continue;
      }
      const auto byte = static_cast<unsigned char>(c);
      const char escape[] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
      append(std::string_view(escape, sizeof escape));
    }
  }
  std::string_view text() const { return {start_, size_}; }

 private:
  void reserve(std::size_t more) {
    if (size_ + more <= capacity_) return;
    capacity_ = std::max(2 * capacity_, size_ + more);
    char* wider = arena_.allocate(capacity_);
    std::memcpy(wider, start_, size_);
    start_ = wider;
  }

  base::Arena& arena_;
  std::size_t capacity_;
  char* start_;
  std::size_t size_ = 0;
};

}  // namespace weir::route
