// Comma-separated lists in field values (RFC 9110 5.6.1).
#pragma once

#include <optional>
#include <string_view>

namespace weir::http {

// `text` without spaces and tabs at both ends.
inline std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next piece of `rest` up to `separator`, trimmed, possibly empty; `rest` is shortened by it. Nothing at the end.
// Knows no quoted strings: for lists of tokens, or where a piece that a quote has torn does no harm.
inline std::optional<std::string_view> next_piece(std::string_view& rest, char separator) {
  if (rest.data() == nullptr) return std::nullopt;
  const std::size_t at = rest.find(separator);
  const std::string_view piece = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return trim_blanks(piece);
}

}  // namespace weir::http
