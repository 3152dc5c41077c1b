// Which bytes may stand where (RFC 9110 5.6, RFC 3986 2 and 3.2.2), as one table, and fast scans over them.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::http {

enum CharClass : std::uint8_t {
  kTokenChar = 1,        // RFC 9110 5.6.2
  kFieldChar = 2,        // of a field value: HTAB, SP, visible, and bytes from 0x80 on (opaque, RFC 9110 5.5)
  kTargetChar = 4,       // of a request target: visible ASCII but '#'. More than RFC 3986 allows: browsers send "|{}^"
  kHostChar = 8,         // of a registered name: unreserved and sub-delims, but ','
  kUnreservedChar = 16,  // RFC 3986 2.3
  kCookieChar = 32,      // RFC 6265 4.1.1 cookie-octet
  kLowerTokenChar = 64,  // of a field name in HTTP/2: a token without upper case (RFC 9113 8.2.1)
  kDarkChar = 128,       // neither blank nor control: visible ASCII, and bytes from 0x80 on
};

inline constexpr std::array<std::uint8_t, 256> kCharClasses = [] {
  std::array<std::uint8_t, 256> table{};
  auto add = [&table](std::string_view chars, unsigned classes) {
    for (char c : chars) table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(classes);
  };
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", kTokenChar | kHostChar | kUnreservedChar);
  add("!#$%&'*+-.^_`|~", kTokenChar | kLowerTokenChar);
  add("abcdefghijklmnopqrstuvwxyz0123456789", kLowerTokenChar);
  add("-._~", kHostChar | kUnreservedChar);
  add("!$&'()*+;=", kHostChar);
  for (unsigned c = 0x21; c < 0x7f; ++c) {
    table[c] |= kFieldChar | kDarkChar;
    if (c != '#') table[c] |= kTargetChar;
    if (c != '"' && c != ',' && c != ';' && c != '\\') table[c] |= kCookieChar;
  }
  for (unsigned c = 0x80; c < 0x100; ++c) table[c] |= kFieldChar | kDarkChar;
  add(" \t", kFieldChar);
  return table;
}();

inline bool is_char(char c, CharClass wanted) { return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0; }

inline bool all_chars(std::string_view text, CharClass wanted) {
  for (char c : text) {
    if (!is_char(c, wanted)) return false;
  }
  return true;
}

// A token: a method, a field name.
inline bool is_token(std::string_view text) { return !text.empty() && all_chars(text, kTokenChar); }
// Whether `text` may be sent as a field value.
inline bool is_field_value(std::string_view text) { return all_chars(text, kFieldChar); }

// -1 for what is no hexadecimal digit.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The scans below return the first byte in [at, end) that is not of the class, or end. Sixteen bytes at a time with
// SSE2, which every x86-64 has, and the last ones as one vector too; other machines by the table. Wider vectors gain
// nothing: field names and most values are under 32 bytes. No byte outside [at, end) is read.
inline const char* scan_by_table(const char* at, const char* end, CharClass wanted) {
  while (at < end && is_char(*at, wanted)) ++at;
  return at;
}

#if defined(__SSE2__)
inline __m128i load_bytes(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
// `size` bytes, from 4 to 15, and zeros behind them: two loads that overlap.
inline __m128i load_few_bytes(const char* at, std::size_t size) {
  if (size >= 8) {
    std::uint64_t first = 0, last = 0;
    std::memcpy(&first, at, 8);
    std::memcpy(&last, at + size - 8, 8);
    last = size == 8 ? 0 : last >> (8 * (16 - size));
    return _mm_set_epi64x(static_cast<long long>(last), static_cast<long long>(first));
  }
  std::uint32_t first = 0, last = 0;
  std::memcpy(&first, at, 4);
  std::memcpy(&last, at + size - 4, 4);
  return _mm_cvtsi64_si128(static_cast<long long>(first | std::uint64_t{last} << (8 * (size - 4))));
}
// 0xff where low <= byte <= high, as unsigned bytes.
inline __m128i bytes_between(__m128i bytes, char low, char high) {
  const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
  return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(static_cast<char>(high - low))), shifted);
}
inline unsigned bits_of(__m128i bytes) { return static_cast<unsigned>(_mm_movemask_epi8(bytes)); }

// A scan of up to 16 bytes at once: `others_of` has a bit for each byte that is not of the class.
template <CharClass kWanted, typename OthersOf>
[[gnu::always_inline]] inline const char* scan_by_vectors(const char* at, const char* end, OthersOf others_of) {
  constexpr std::ptrdiff_t kWide = 16, kLeast = 4;
  for (; end - at >= kWide; at += kWide) {
    if (const unsigned others = others_of(load_bytes(at)); others != 0) return at + std::countr_zero(others);
  }
  if (end - at < kLeast) return scan_by_table(at, end, kWanted);
  const auto size = static_cast<std::size_t>(end - at);
  const unsigned others = others_of(load_few_bytes(at, size)) | 1u << size;
  return at + std::countr_zero(others);
}
#endif

// kTokenChar. The vectors know letters, digits and '-', of which nearly every field name is made.
inline const char* scan_token(const char* at, const char* end) {
#if defined(__SSE2__)
  at = scan_by_vectors<kTokenChar>(at, end, [](__m128i bytes) {
    const __m128i letters = bytes_between(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digits = bytes_between(bytes, '0', '9');
    const __m128i dashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    return bits_of(_mm_or_si128(_mm_or_si128(letters, digits), dashes)) ^ 0xffffu;
  });
#endif
  return scan_by_table(at, end, kTokenChar);
}

// kFieldChar.
inline const char* scan_field_value(const char* at, const char* end) {
#if defined(__SSE2__)
  return scan_by_vectors<kFieldChar>(at, end, [](__m128i bytes) {
    const __m128i controls = bytes_between(bytes, 0, 0x1f);
    const __m128i tabs = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i deletes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    return bits_of(_mm_or_si128(_mm_andnot_si128(tabs, controls), deletes));
  });
#else
  return scan_by_table(at, end, kFieldChar);
#endif
}

// kTargetChar.
inline const char* scan_target(const char* at, const char* end) {
#if defined(__SSE2__)
  return scan_by_vectors<kTargetChar>(at, end, [](__m128i bytes) {
    const __m128i visible = bytes_between(bytes, 0x21, 0x7e);
    const __m128i hashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
    return bits_of(_mm_andnot_si128(hashes, visible)) ^ 0xffffu;
  });
#else
  return scan_by_table(at, end, kTargetChar);
#endif
}

// kDarkChar.
inline const char* scan_dark(const char* at, const char* end) {
#if defined(__SSE2__)
  return scan_by_vectors<kDarkChar>(at, end, [](__m128i bytes) {
    const __m128i blanks = bytes_between(bytes, 0, ' ');
    const __m128i deletes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    return bits_of(_mm_or_si128(blanks, deletes));
  });
#else
  return scan_by_table(at, end, kDarkChar);
#endif
}

// kLowerTokenChar. As in scan_token().
inline const char* scan_lower_token(const char* at, const char* end) {
#if defined(__SSE2__)
  at = scan_by_vectors<kLowerTokenChar>(at, end, [](__m128i bytes) {
    const __m128i letters = bytes_between(bytes, 'a', 'z');
    const __m128i digits = bytes_between(bytes, '0', '9');
    const __m128i dashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    return bits_of(_mm_or_si128(_mm_or_si128(letters, digits), dashes)) ^ 0xffffu;
  });
#endif
  return scan_by_table(at, end, kLowerTokenChar);
}

}  // namespace weir::http
