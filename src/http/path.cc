// Checking and normalising the path of a target; declared in http/target.h.
#include <cstring>

#include "http/chars.h"
#include "http/target.h"

namespace weir::http {
namespace {

// Whether the path holds an escape, a backslash or a segment that begins with a dot: only then is there anything to
// check or to change.
bool needs_look(std::string_view path) {
  const char* at = path.data();
  const char* end = at + path.size();
  bool after_slash = false;
#if defined(__SSE2__)
  while (end - at >= 16) {
    const __m128i bytes = load_bytes(at);
    const __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('%')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    const unsigned slashes = bits_of(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('/')));
    const unsigned dots = bits_of(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
    if ((bits_of(marks) | (dots & ((slashes << 1) | (after_slash ? 1u : 0u)))) != 0) return true;
    after_slash = (slashes & 0x8000u) != 0;
    at += 16;
  }
#endif
  for (; at < end; ++at) {
    if (*at == '%' || *at == '\\' || (after_slash && *at == '.')) return true;
    after_slash = *at == '/';
  }
  return false;
}

// The byte that the escape at `at` stands for, or -1 when there is no escape.
int unescaped(std::string_view text, std::size_t at) {
  if (text[at] != '%' || text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// 1 for the segment ".", 2 for "..", else 0; dots may be escaped.
int dots_of(std::string_view segment) {
  int dots = 0;
  for (std::size_t at = 0; at < segment.size();) {
    const bool escaped = segment[at] == '%';
    if ((escaped ? unescaped(segment, at) : segment[at]) != '.' || ++dots > 2) return 0;
    at += escaped ? 3 : 1;
  }
  return dots;
}

// Calls visit(segment) for what stands behind each '/' of `path`.
template <typename Visit>
void for_each_segment(std::string_view path, Visit&& visit) {
  for (std::size_t at = 1; at <= path.size();) {
    std::size_t end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    visit(path.substr(at, end - at));
    at = end + 1;
  }
}

// Writes `text` with unreserved characters unescaped and other escapes in upper case. Returns the end of what it wrote,
// never longer than `text`.
char* write_unescaped(std::string_view text, char* out) {
  for (std::size_t at = 0; at < text.size();) {
    const int byte = unescaped(text, at);
    if (byte < 0) {
      *out++ = text[at++];
      continue;
    }
    if (is_char(static_cast<char>(byte), kUnreservedChar)) {
      *out++ = static_cast<char>(byte);
    } else {
      *out++ = '%';
      *out++ = "0123456789ABCDEF"[byte >> 4];
      *out++ = "0123456789ABCDEF"[byte & 15];
    }
    at += 3;
  }
  return out;
}

}  // namespace

const char* check_path(std::string_view path) {
  if (!needs_look(path)) return nullptr;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '\\') return "backslash in the path (RFC 3986 3.3)";
    if (path[at] != '%') continue;
    const int byte = unescaped(path, at);
    if (byte < 0) return "'%' without two hexadecimal digits in the path (RFC 3986 2.1)";
    if (byte == 0) return "encoded NUL in the path";
  }
  int depth = 0;
  bool climbs = false;
  for_each_segment(path, [&](std::string_view segment) {
    const int dots = dots_of(segment);
    if (dots == 0) ++depth;
    if (dots == 2 && --depth < 0) climbs = true;
  });
  return climbs ? "dot segments climb above the root (RFC 3986 5.2.4)" : nullptr;
}

std::string_view normalized_path(std::string_view path, base::Arena& arena) {
  if (!needs_look(path) || path[0] != '/') return path;
  char* begin = arena.allocate(path.size() + 1);
  char* out = begin;
  bool open = false;  // a dot segment was removed from the end: its '/' stays unless another segment follows
  for_each_segment(path, [&](std::string_view segment) {
    const int dots = dots_of(segment);
    open = dots != 0;
    if (dots == 2) {
      while (out > begin && *--out != '/') {
      }
    } else if (dots == 0) {
      *out++ = '/';
      out = write_unescaped(segment, out);
    }
  });
  if (open) *out++ = '/';
  const std::string_view normal(begin, static_cast<std::size_t>(out - begin));
  return normal == path ? path : normal;
}

}  // namespace weir::http
