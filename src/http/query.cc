#include "http/query.h"

#include "http/chars.h"

namespace weir::http {
namespace {

// The byte at the start of `text` after decoding; `size` is how many bytes it takes there.
char decode_byte(std::string_view text, std::size_t& size) {
  size = 1;
  if (text[0] == '+') return ' ';
  if (text[0] != '%' || text.size() < 3) return text[0];
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  if (high < 0 || low < 0) return text[0];
  size = 3;
  return static_cast<char>(high * 16 + low);
}

}  // namespace

std::optional<QueryParameter> next_parameter(std::string_view& rest) {
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view piece = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return QueryParameter{.name = piece, .value = {}};
    return QueryParameter{.name = piece.substr(0, equals), .value = piece.substr(equals + 1)};
  }
  return std::nullopt;
}

std::optional<std::string_view> find_parameter(std::string_view query, std::string_view name) {
  while (auto parameter = next_parameter(query)) {
    if (decodes_to(parameter->name, name)) return parameter->value;
  }
  return std::nullopt;
}

bool decodes_to(std::string_view text, std::string_view plain) {
  for (char wanted : plain) {
    if (text.empty()) return false;
    std::size_t size;
    if (decode_byte(text, size) != wanted) return false;
    text.remove_prefix(size);
  }
  return text.empty();
}

std::string_view decode_parameter(std::string_view text, base::Arena& arena) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  char* begin = arena.allocate(text.size());
  char* out = begin;
  while (!text.empty()) {
    std::size_t size;
    *out++ = decode_byte(text, size);
    text.remove_prefix(size);
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

}  // namespace weir::http
