// Cookies: finding one in a request and setting one in a response (RFC 6265).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace weir::http {

// The value of the first cookie with that name in the Cookie fields, as received (with quotes, if it has them). Names
// are compared with case. Nothing when there is none. A view into the head's bytes.
std::optional<std::string_view> find_cookie(const HeaderMap& headers, std::string_view name);

enum class SameSite : std::uint8_t { unset, lax, strict, none };

struct SetCookie {
  std::string_view name;
  std::string_view value;
  std::string_view path = "/";
  std::string_view domain = {};                      // empty: only the host that answered
  std::optional<std::chrono::seconds> max_age = {};  // none: for the browser's session; 0: forget it
  bool http_only = true;
  bool secure = false;
  SameSite same_site = SameSite::lax;
};

// A name or value that may stand in a cookie: a token; bytes that need no quoting (RFC 6265 4.1.1).
bool is_cookie_name(std::string_view name);
bool is_cookie_value(std::string_view value);

// The value of the Set-Cookie field, in `arena`. Empty when name, value, path or domain hold bytes that cannot stand
// there: nothing a client sent can add an attribute or a field.
std::string_view format_set_cookie(const SetCookie& cookie, base::Arena& arena);

}  // namespace weir::http
