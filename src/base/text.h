// Small helpers on text that the standard library lacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir::base {

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool equal_ignoring_case(const char* a, const char* b, std::size_t size);
// Equal but for the case of ASCII letters.
inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && equal_ignoring_case(a.data(), b.data(), a.size());
}
std::string to_lower(std::string_view text);
// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);
// A decimal number of digits only, at most `max`. Nothing for anything else ("", "+1", "1 ", overflow).
std::optional<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t max = UINT64_MAX);
// The candidate nearest to `word` by edit distance, or empty when none is near enough to be a likely typing error.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
// Length of the valid UTF-8 sequence at the start of `text` (RFC 3629), or 0 when it is invalid or `text` is empty.
std::size_t utf8_length(std::string_view text);
// `text` as the inside of a JSON string: quotes, backslashes, control bytes and invalid UTF-8 escaped; appended to
// `out`.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace weir::base
