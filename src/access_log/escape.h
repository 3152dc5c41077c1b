// Text of any bytes in a line: nothing in it can end the line or leave its quotes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::access_log {

// All functions write to `out`, which has room for six bytes a byte of `text`.

inline char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// JSON: quotes, backslashes, control bytes and invalid UTF-8 as \-escapes (RFC 8259). Returns the end.
char* put_json_escaped(char* out, std::string_view text);
// Quotes and backslashes as \" and \\, bytes below 0x20 and from 0x7f on as \xHH. Returns the end.
char* put_text_escaped(char* out, std::string_view text);

inline constexpr std::uint64_t kEveryByte = 0x0101010101010101u;
inline constexpr std::uint64_t kHighBits = 0x8080808080808080u;

// True when some byte of `word` must be escaped: below 0x20, from 0x7f on, a quote or a backslash. May be true for a
// word without one (a borrow can cross into the byte above), which only costs time.
constexpr bool needs_escape(std::uint64_t word) {
  auto equals = [word](std::uint64_t byte) {
    std::uint64_t difference = word ^ (kEveryByte * byte);
    return (difference - kEveryByte) & ~difference;
  };
  std::uint64_t below_space = (word - kEveryByte * 0x20) & ~word;
  return ((below_space | equals('"') | equals('\\') | equals(0x7f) | word) & kHighBits) != 0;
}
constexpr bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

inline std::uint64_t load(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Copies `text` up to the first word with something to escape and says how much that was.
inline std::size_t copy_plain(char* out, std::string_view text) {
  constexpr std::size_t kStep = sizeof(std::uint64_t);
  std::size_t at = 0;
  if (text.size() < kStep) {
    for (; at < text.size() && is_plain(static_cast<unsigned char>(text[at])); ++at) out[at] = text[at];
    return at;
  }
  for (; at + kStep <= text.size(); at += kStep) {
    std::uint64_t word = load(text.data() + at);
    if (needs_escape(word)) return at;
    std::memcpy(out + at, &word, kStep);
  }
  if (at == text.size()) return at;
  std::uint64_t last = load(text.data() + text.size() - kStep);  // overlaps what was copied
  if (needs_escape(last)) return at;
  std::memcpy(out + text.size() - kStep, &last, kStep);
  return text.size();
}

}  // namespace weir::access_log
