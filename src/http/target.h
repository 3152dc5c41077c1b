// The request target: its forms, its parts, and the canonical form of its path (RFC 9112 3.2, RFC 3986).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace weir::http {

// The parts of a request target, as views into it ("/" and "*" aside, which are static where the target leaves them
// out).
struct Target {
  TargetForm form = TargetForm::origin;
  std::string_view scheme;     // of the absolute form: "http" or "https" in any case
  std::string_view authority;  // of the absolute and authority forms: host[:port]
  std::string_view path;       // "/..."; "*" for OPTIONS on the whole server; empty for the authority form
  std::string_view query;      // behind '?', without it
  bool has_query = false;      // "/x?" has an empty one
  bool plain_path = false;     // `path` is its own canonical form, whatever the rules (canonical_path)
};

// Splits `target`, which form it has following from the method: authority for CONNECT, asterisk for "*" (OPTIONS only),
// absolute when it does not begin with '/'. Null when it is legal, else the rule it breaks; the answer is 400.
//
// Refused: empty targets; control bytes, spaces, '#' and bytes above 0x7f; forms that the method does not allow;
// schemes other than http and https; an absolute form whose authority is empty or invalid; and what check_path refuses.
//
// The query is opaque and forwarded byte for byte: "?q=100%" is what browsers send, so escapes are not checked behind
// '?'. RFC 9112 3.2.2 and 3.2.4: an absolute form without a path has the path "/", or "*" for OPTIONS
// without a query.
const char* parse_target(std::string_view method, std::string_view target, Target& out);
// The same for a target whose bytes scan_target (http/chars.h) has passed already.
const char* split_target(std::string_view method, std::string_view target, Target& out);
// Which rule is broken by a byte that may not stand in any target.
const char* broken_target_byte(char c);

// Null when `path` ("/...") is one that all parsers take for the same place, else the rule it breaks: '%' not followed
// by two hexadecimal digits, an encoded NUL, a backslash (some backends take it for a slash), or dot segments, plain or
// encoded, that climb above the root.
const char* check_path(std::string_view path);
// The same. Sets `plain`: nothing in `path` has more than one form.
const char* check_path(std::string_view path, bool& plain);

// How a listener treats paths that backends read in different ways.
enum class EncodedSlash : std::uint8_t { refuse, decode, keep };
enum class PathParameters : std::uint8_t { ignore, keep, refuse };
struct PathRules {
  bool merge_slashes = true;
  EncodedSlash encoded_slash = EncodedSlash::refuse;   // decode: "%2F" is a slash; "%5C" is refused then as well
  PathParameters parameters = PathParameters::ignore;  // what follows a ';' in a segment
};

// The two forms of a path that has passed check_path, so that "//admin", "/static/../admin", "/%61dmin" and "/admin;a"
// are all taken for "/admin".
//
// `clean` is what is forwarded, rewritten and redirected to: encoded slashes as the rules say, empty segments merged if
// they say so, then dot segments removed (RFC 3986 5.2.4), escapes of unreserved characters decoded and the digits of
// all other escapes in upper case (6.2.2). `routed` is what routes compare: `clean` without parameters if they are
// ignored, and with every printable character decoded but '/', '%', ';', '?', '#' and the backslash. Segments of both
// stand in the same order, one for one. Either form is its own canonical form: nothing is decoded twice, "%252F" stays.
//
// Refused: what the rules refuse; what climbs above the root only once slashes are merged or decoded; dot segments with
// parameters ("..;"); ignored parameters without a name before them ("/;a/b"), but at the end of the path.
struct PathForm {
  const char* fault = nullptr;  // what is wrong; the answer is 400. The forms are the path as received then
  std::string_view clean;       // `path` itself when nothing changes, which costs a scan of a few ns; else in the arena
  std::string_view routed;
};
PathForm canonical_path(std::string_view path, const PathRules& rules, base::Arena& arena);

// Sets path and routed_path of `head`; null, or what canonical_path found wrong. "*" and an empty path stay. Does
// nothing where a parser has set routed_path already, as the path is plain.
const char* canonicalize(RequestHead& head, const PathRules& rules, base::Arena& arena);

// path?query of a canonical head in origin-form: the target as received where its path did not change.
std::string_view origin_target(const RequestHead& head, base::Arena& arena);

// Leaves alone all that RFC 3986 6.2.2 does not call normal.
inline constexpr PathRules kPathAsWritten{
    .merge_slashes = false, .encoded_slash = EncodedSlash::keep, .parameters = PathParameters::keep};

// Only what RFC 3986 6.2.2 calls normal, for paths that Weir makes itself: dot segments removed, unreserved characters
// decoded, upper case in other escapes. "%2F", empty segments and parameters stay. `path` has passed check_path, or is
// "*" or empty.
std::string_view normalized_path(std::string_view path, base::Arena& arena);

}  // namespace weir::http
