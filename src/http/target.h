// The request target: its forms, its parts, and the form of its path that routing compares (RFC 9112 3.2, RFC 3986).
#pragma once

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
};

// Splits `target`, which form it has following from the method: authority for CONNECT, asterisk for "*" (OPTIONS only),
// absolute when it does not begin with '/'. Null when it is legal, else the rule it breaks; the answer is 400.
//
// Refused: empty targets; control bytes, spaces, '#' and bytes above 0x7f; forms that the method does not allow;
// schemes other than http and https; an absolute form whose authority is empty or invalid; and what check_path refuses.
//
// Weir forwards path and query byte for byte. The query is opaque: "?q=100%" is what browsers send, so escapes are not
// checked behind '?'. RFC 9112 3.2.2 and 3.2.4: an absolute form without a path has the path "/", or "*" for OPTIONS
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

// The path as routing sees it, so that "/static/../admin" and "/%61dmin" are both taken for "/admin": escapes of
// unreserved characters decoded, the hexadecimal digits of other escapes in upper case, then dot segments removed (RFC
// 3986 6.2.2). "%2F" stays encoded and empty segments stay. The result is `path` itself when nothing changes, which
// costs a scan of a few ns, else it lives in `arena`. `path` has passed check_path, or is "*" or empty.
std::string_view normalized_path(std::string_view path, base::Arena& arena);

}  // namespace weir::http
