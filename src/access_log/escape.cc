#include "access_log/escape.h"

#include "base/text.h"

namespace weir::access_log {
namespace {

char* put_hex(char* out, std::string_view prefix, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out = put(out, prefix);
  *out++ = kDigits[byte >> 4];
  *out++ = kDigits[byte & 15];
  return out;
}

}  // namespace

char* put_json_escaped(char* out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto byte = static_cast<unsigned char>(text[at]);
    std::size_t length = byte < 0x80 ? 1 : base::utf8_length(text.substr(at));
    if (byte == '"' || byte == '\\') {
      *out++ = '\\';
      *out++ = text[at++];
    } else if (byte < 0x20 || byte == 0x7f || length == 0) {
      out = put_hex(out, "\\u00", byte);
      ++at;
    } else {
      out = put(out, text.substr(at, length));
      at += length;
    }
  }
  return out;
}

char* put_text_escaped(char* out, std::string_view text) {
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (is_plain(byte)) {
      *out++ = c;
    } else if (c == '"' || c == '\\') {
      *out++ = '\\';
      *out++ = c;
    } else {
      out = put_hex(out, "\\x", byte);
    }
  }
  return out;
}

}  // namespace weir::access_log
