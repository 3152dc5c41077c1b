// Checking and normalising the path of a target; declared in http/target.h.
#include <cstring>

#include "http/chars.h"
#include "http/target.h"

namespace weir::http {
namespace {

constexpr const char* kClimbs = "dot segments climb above the root (RFC 3986 5.2.4)";

// Whether the path holds an escape, a backslash, a ';', an empty segment or one that begins with a dot: only then is
// there anything to check or to change.
bool needs_look_by_byte(const char* at, const char* end, bool after_slash) {
  for (; at < end; ++at) {
    if (*at == '%' || *at == '\\' || *at == ';' || (after_slash && (*at == '.' || *at == '/'))) return true;
    after_slash = *at == '/';
  }
  return false;
}

#if defined(__SSE2__)
// The same of `kBytes` bytes at the beginning of `bytes`, all others of which are zero; `after_slash` is of the byte
// before them, and then of their last one.
template <unsigned kBytes>
bool needs_look(__m128i bytes, bool& after_slash) {
  const __m128i slash_bytes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'));
  const __m128i marks =
      _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('%')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(';'))),
                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  const unsigned slashes = bits_of(slash_bytes);
  const unsigned starts = bits_of(_mm_or_si128(slash_bytes, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'))));
  if ((bits_of(marks) | (starts & ((slashes << 1) | (after_slash ? 1u : 0u)))) != 0) return true;
  after_slash = (slashes >> (kBytes - 1) & 1u) != 0;
  return false;
}

// By steps of `kBytes`; the last one takes some bytes that were looked at already.
template <unsigned kBytes, typename Load>
bool needs_look_by_vector(const char* at, const char* end, Load load) {
  bool after_slash = false;
  for (; static_cast<std::size_t>(end - at) >= kBytes; at += kBytes) {
    if (needs_look<kBytes>(load(at), after_slash)) return true;
  }
  if (at == end) return false;
  const char* begin = end - kBytes;
  after_slash = begin[-1] == '/';
  return needs_look<kBytes>(load(begin), after_slash);
}
#endif

bool needs_look(std::string_view path) {
  const char* at = path.data();
  const char* end = at + path.size();
#if defined(__SSE2__)
  if (path.size() >= 16) return needs_look_by_vector<16>(at, end, load_bytes);
  if (path.size() >= 8) {
    return needs_look_by_vector<8>(
        at, end, [](const char* from) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)); });
  }
#endif
  return needs_look_by_byte(at, end, false);
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

// How long the separator at `at` is: 1 for a slash, 3 for an encoded one where those count, else 0.
std::size_t separator_at(std::string_view path, std::size_t at, bool encoded_too) {
  if (path[at] == '/') return 1;
  return encoded_too && unescaped(path, at) == '/' ? 3 : 0;
}

// Calls visit(segment, is_last) for what stands behind each separator of `path`, which begins with a slash.
template <typename Visit>
void for_each_segment(std::string_view path, bool encoded_too, Visit&& visit) {
  for (std::size_t at = 1;;) {
    std::size_t end = at;
    while (end < path.size() && separator_at(path, end, encoded_too) == 0) ++end;
    visit(path.substr(at, end - at), end == path.size());
    if (end == path.size()) return;
    at = end + separator_at(path, end, encoded_too);
  }
}

// Where the parameters of a segment begin, at a ';' plain or encoded; its size when it has none.
std::size_t parameters_of(std::string_view segment) {
  for (std::size_t at = 0; at < segment.size(); ++at) {
    if (segment[at] == ';' || unescaped(segment, at) == ';') return at;
  }
  return segment.size();
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

// Whether routing compares the byte decoded: printable, and without a meaning of its own in a path.
bool is_compared_decoded(int byte) {
  return byte > ' ' && byte < 0x7f &&
         std::string_view("/%;?#\\").find(static_cast<char>(byte)) == std::string_view::npos;
}

// Writes a segment as routing compares it, in clean form. Returns the end of what it wrote, never longer than
// `segment`.
char* write_compared(std::string_view segment, bool ignore_parameters, char* out) {
  if (ignore_parameters) segment = segment.substr(0, parameters_of(segment));
  for (std::size_t at = 0; at < segment.size();) {
    const int byte = unescaped(segment, at);
    const bool decode = byte >= 0 && is_compared_decoded(byte);
    *out++ = decode ? static_cast<char>(byte) : segment[at];
    at += decode ? 3 : 1;
  }
  return out;
}

std::string_view written(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

// Why a segment cannot be brought into a form that all read alike; null when it can.
const char* broken_segment(std::string_view segment, bool is_last, const PathRules& rules) {
  const std::size_t name_bytes = parameters_of(segment);
  if (name_bytes == segment.size()) return nullptr;
  if (rules.parameters == PathParameters::refuse) return "';' in the path (paths.parameters: refuse)";
  if (dots_of(segment.substr(0, name_bytes)) != 0) return "dot segment with parameters in the path";
  const bool is_nameless = name_bytes == 0 && !is_last && rules.parameters == PathParameters::ignore;
  return is_nameless ? "segment of the path that consists of parameters only" : nullptr;
}

const char* broken_slash(std::string_view path, EncodedSlash rule) {
  if (rule == EncodedSlash::keep) return nullptr;
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const int byte = unescaped(path, at);
    if (byte == '\\') return "encoded backslash in the path (paths.encoded_slash)";
    if (byte == '/' && rule == EncodedSlash::refuse) return "encoded slash in the path (paths.encoded_slash: refuse)";
  }
  return nullptr;
}

// Segment by segment into `begin`, which has room for one byte more than `path`. Sets `end`; returns what is wrong.
const char* write_clean(std::string_view path, const PathRules& rules, char* begin, char*& end) {
  const char* fault = nullptr;
  char* out = begin;
  bool open = false;  // the end was left out: its '/' stays unless another segment follows
  for_each_segment(path, rules.encoded_slash == EncodedSlash::decode, [&](std::string_view segment, bool is_last) {
    if (fault != nullptr) return;
    fault = broken_segment(segment, is_last, rules);
    const int dots = dots_of(segment);
    const bool merged = rules.merge_slashes && segment.empty();
    open = dots != 0 || merged;
    if (dots == 2) {
      if (out == begin) fault = kClimbs;
      while (out > begin && *--out != '/') {
      }
    } else if (!open) {
      *out++ = '/';
      out = write_unescaped(segment, out);
    }
  });
  if (open) *out++ = '/';
  end = out;
  return fault;
}

}  // namespace

const char* check_path(std::string_view path, bool& plain) {
  plain = !needs_look(path);
  return plain ? nullptr : check_path(path);
}

const char* check_path(std::string_view path) {
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '\\') return "backslash in the path (RFC 3986 3.3)";
    if (path[at] != '%') continue;
    const int byte = unescaped(path, at);
    if (byte < 0) return "'%' without two hexadecimal digits in the path (RFC 3986 2.1)";
    if (byte == 0) return "encoded NUL in the path";
  }
  int depth = 0;
  bool climbs = false;
  for_each_segment(path, false, [&](std::string_view segment, bool) {
    const int dots = dots_of(segment);
    if (dots == 0) ++depth;
    if (dots == 2 && --depth < 0) climbs = true;
  });
  return climbs ? kClimbs : nullptr;
}

PathForm canonical_path(std::string_view path, const PathRules& rules, base::Arena& arena) {
  PathForm form{.fault = nullptr, .clean = path, .routed = path};
  if (!path.starts_with('/') || !needs_look(path)) return form;
  form.fault = broken_slash(path, rules.encoded_slash);
  if (form.fault != nullptr) return form;
  char* begin = arena.allocate(path.size() + 1);
  char* end = begin;
  form.fault = write_clean(path, rules, begin, end);
  if (form.fault != nullptr) return form;
  const std::string_view clean = written(begin, end);
  if (clean != path) form.clean = clean;
  form.routed = form.clean;
  if (clean.find_first_of("%;") == std::string_view::npos) return form;

  char* compared = arena.allocate(clean.size());
  end = compared;
  for_each_segment(clean, false, [&](std::string_view segment, bool) {
    *end++ = '/';
    end = write_compared(segment, rules.parameters == PathParameters::ignore, end);
  });
  if (written(compared, end) != form.clean) form.routed = written(compared, end);
  return form;
}

std::string_view normalized_path(std::string_view path, base::Arena& arena) {
  return canonical_path(path, kPathAsWritten, arena).clean;
}

const char* canonicalize(RequestHead& head, const PathRules& rules, base::Arena& arena) {
  if (!head.routed_path.empty()) return nullptr;
  const PathForm form = canonical_path(head.path, rules, arena);
  if (form.fault != nullptr) return form.fault;
  head.path = form.clean;
  head.routed_path = form.routed;
  return nullptr;
}

std::string_view origin_target(const RequestHead& head, base::Arena& arena) {
  const bool as_received = head.form != TargetForm::absolute && head.path.data() == head.target.data();
  if (as_received || head.path.empty()) return head.target;
  return head.has_query ? arena.join(head.path, "?", head.query) : head.path;
}

}  // namespace weir::http
