#include "http/cookie.h"

#include <algorithm>
#include <charconv>

#include "http/chars.h"
#include "http/list.h"

namespace weir::http {
namespace {

// RFC 6265 4.1.1 av-value: anything but control bytes and ';'.
bool is_attribute_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

std::string_view text_of(SameSite same_site) {
  switch (same_site) {
    case SameSite::unset:
      return "";
    case SameSite::lax:
      return "; SameSite=Lax";
    case SameSite::strict:
      return "; SameSite=Strict";
    case SameSite::none:
      return "; SameSite=None";
  }
  return "";
}

}  // namespace

std::optional<std::string_view> find_cookie(const HeaderMap& headers, std::string_view name) {
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::cookie) continue;
    std::string_view rest = field.value;
    while (auto pair = next_piece(rest, ';')) {
      if (pair->size() <= name.size() || (*pair)[name.size()] != '=' || !pair->starts_with(name)) continue;
      return pair->substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

bool is_cookie_name(std::string_view name) { return is_token(name); }
bool is_cookie_value(std::string_view value) { return all_chars(value, kCookieChar); }

std::string_view format_set_cookie(const SetCookie& cookie, base::Arena& arena) {
  if (!is_cookie_name(cookie.name) || !is_cookie_value(cookie.value)) return {};
  if (!is_attribute_value(cookie.path) || !is_attribute_value(cookie.domain)) return {};
  char digits[20];
  std::string_view age;
  if (cookie.max_age) {
    const std::int64_t seconds = std::max<std::int64_t>(cookie.max_age->count(), 0);
    age = {digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, seconds).ptr - digits)};
  }
  auto if_set = [](std::string_view value, std::string_view text) { return value.empty() ? std::string_view() : text; };
  return arena.join(cookie.name, "=", cookie.value, if_set(cookie.path, "; Path="), cookie.path,
                    if_set(cookie.domain, "; Domain="), cookie.domain, if_set(age, "; Max-Age="), age,
                    cookie.secure ? "; Secure" : "", cookie.http_only ? "; HttpOnly" : "", text_of(cookie.same_site));
}

}  // namespace weir::http
