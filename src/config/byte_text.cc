#include "config/byte_text.h"

#include <fmt/format.h>
#include <utility>

#include "config/text_rules.h"

namespace weir::config {
namespace {

// -1 for any other character.
int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that the escape at the start of `text`, behind its backslash, stands for; takes the escape off `text`.
std::optional<char> take_escape(std::string_view& text) {
  constexpr std::string_view kLetters = "rnt0\\";
  constexpr std::string_view kBytes("\r\n\t\0\\", 5);
  if (text.empty()) return std::nullopt;
  char letter = text.front();
  text.remove_prefix(1);
  if (auto at = kLetters.find(letter); at != std::string_view::npos) return kBytes[at];
  if (letter != 'x' || text.size() < 2) return std::nullopt;
  int high = digit_of(text[0]);
  int low = digit_of(text[1]);
  if (high < 0 || low < 0) return std::nullopt;
  text.remove_prefix(2);
  return static_cast<char>(high * 16 + low);
}

}  // namespace

std::optional<std::string> bytes_of_hex(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (char c : text) {
    if (c == ' ' && high < 0) continue;
    int digit = digit_of(c);
    if (digit < 0) return std::nullopt;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(std::exchange(high, -1) * 16 + digit));
    }
  }
  if (high >= 0) return std::nullopt;
  return bytes;
}

base::Checked<std::string> bytes_of_text(std::string_view text) {
  constexpr std::string_view kHex = "hex:";
  if (text.starts_with(kHex)) {
    std::optional<std::string> bytes = bytes_of_hex(text.substr(kHex.size()));
    if (bytes) return *std::move(bytes);
    return std::unexpected(fmt::format("{} is not `hex:` and pairs of hexadecimal digits", quoted(text)));
  }
  std::string bytes;
  std::string_view rest = text;
  while (!rest.empty()) {
    char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\\') {
      std::size_t at = text.size() - rest.size() - 1;
      std::optional<char> byte = take_escape(rest);
      if (!byte) {
        return std::unexpected(
            fmt::format("{} is no escape; known are \\r \\n \\t \\0 \\\\ and \\xHH", quoted(text.substr(at, 4))));
      }
      c = *byte;
    }
    bytes += c;
  }
  return bytes;
}

}  // namespace weir::config
