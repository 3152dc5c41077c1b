#include "http/cookie.h"

#include "gtest/gtest.h"

namespace weir::http {
namespace {

std::string_view cookie_of(std::initializer_list<std::string_view> fields, std::string_view name) {
  HeaderMap headers;
  headers.add("Host", "a");
  for (std::string_view field : fields) headers.add("cookie", field);
  return find_cookie(headers, name).value_or("(none)");
}

TEST(Cookie, IsFoundByItsName) {
  EXPECT_EQ(cookie_of({"a=1; b=2; c=3"}, "a"), "1");
  EXPECT_EQ(cookie_of({"a=1; b=2; c=3"}, "b"), "2");
  EXPECT_EQ(cookie_of({"a=1; b=2; c=3"}, "c"), "3");
  EXPECT_EQ(cookie_of({"a=1;b=2;  c=3 "}, "c"), "3");
  EXPECT_EQ(cookie_of({"a=1", "b=2"}, "b"), "2");
  EXPECT_EQ(cookie_of({"a=x=y=="}, "a"), "x=y==");
  EXPECT_EQ(cookie_of({"a="}, "a"), "");
  EXPECT_EQ(cookie_of({"a=\"q\""}, "a"), "\"q\"");
}

TEST(Cookie, IsTheFirstOfItsName) { EXPECT_EQ(cookie_of({"a=1; a=2", "a=3"}, "a"), "1"); }

TEST(Cookie, IsNotFoundUnderAnotherName) {
  for (std::string_view field : {"", ";", "aa=1", "A=1", "b=a=1", "xa=1", "a", "ab", "=a", "; ;a ;", "b=1,a=2"}) {
    EXPECT_EQ(cookie_of({field}, "a"), "(none)") << field;
  }
  EXPECT_EQ(cookie_of({}, "a"), "(none)");
}

TEST(SetCookie, CarriesItsAttributes) {
  base::Arena arena;
  EXPECT_EQ(format_set_cookie({.name = "S", .value = "web-1"}, arena), "S=web-1; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(format_set_cookie({.name = "S",
                               .value = "v",
                               .path = "/app",
                               .domain = "example.com",
                               .max_age = std::chrono::hours(1),
                               .http_only = false,
                               .secure = true,
                               .same_site = SameSite::none},
                              arena),
            "S=v; Path=/app; Domain=example.com; Max-Age=3600; Secure; SameSite=None");
  EXPECT_EQ(format_set_cookie({.name = "S",
                               .value = "",
                               .path = "",
                               .max_age = std::chrono::seconds(-3),
                               .http_only = false,
                               .same_site = SameSite::unset},
                              arena),
            "S=; Max-Age=0");
}

TEST(SetCookie, IsNotWrittenWithBytesThatCouldAddSomething) {
  base::Arena arena;
  for (const char* bad : {"a;b", "a\r\nb", "a b", "a,b", "a\"b", "a\\b", "\xc3\xa9"}) {
    EXPECT_EQ(format_set_cookie({.name = "S", .value = bad}, arena), "") << bad;
    EXPECT_EQ(format_set_cookie({.name = bad, .value = "v"}, arena), "") << bad;
  }
  EXPECT_EQ(format_set_cookie({.name = "", .value = "v"}, arena), "");
  EXPECT_EQ(format_set_cookie({.name = "a=b", .value = "v"}, arena), "");
  EXPECT_EQ(format_set_cookie({.name = "S", .value = "v", .path = "/; Secure"}, arena), "");
  EXPECT_EQ(format_set_cookie({.name = "S", .value = "v", .domain = "a\r\n"}, arena), "");
}

}  // namespace
}  // namespace weir::http
