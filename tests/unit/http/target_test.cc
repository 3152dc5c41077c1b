#include "http/target.h"

#include <vector>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

TEST(Target, OfOriginFormIsPathAndQuery) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
    bool has_query;
  };
  for (const Case& c : std::initializer_list<Case>{{"/", "/", "", false},
                                                   {"/a/b", "/a/b", "", false},
                                                   {"/a?", "/a", "", true},
                                                   {"/a?b", "/a", "b", true},
                                                   {"/a?b?c=/d", "/a", "b?c=/d", true},
                                                   {"//a//b", "//a//b", "", false},
                                                   {"/a|b{c}^`\"<>", "/a|b{c}^`\"<>", "", false},
                                                   {"/a?q=100%&x=\\%zz", "/a", "q=100%&x=\\%zz", true},
                                                   {"/http://x/", "/http://x/", "", false},
                                                   {"/*", "/*", "", false}}) {
    Target target;
    EXPECT_EQ(parse_target("GET", c.target, target), nullptr) << c.target;
    EXPECT_EQ(target.form, TargetForm::origin);
    EXPECT_EQ(target.path, c.path);
    EXPECT_EQ(target.query, c.query);
    EXPECT_EQ(target.has_query, c.has_query);
    EXPECT_EQ(target.authority, "");
  }
}

TEST(Target, OfAbsoluteFormNamesSchemeAuthorityAndPath) {
  struct Case {
    const char* method;
    const char* target;
    const char* scheme;
    const char* authority;
    const char* path;
    const char* query;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"GET", "http://a.b:80/c?d", "http", "a.b:80", "/c", "d"},
           {"GET", "HTTPS://a/", "HTTPS", "a", "/", ""},
           {"GET", "http://a", "http", "a", "/", ""},
           {"GET", "http://a?b/c", "http", "a", "/", "b/c"},
           {"GET", "http://[::1]:8080/x", "http", "[::1]:8080", "/x", ""},
           {"OPTIONS", "http://a", "http", "a", "*", ""},
           {"OPTIONS", "http://a/", "http", "a", "/", ""},
           {"OPTIONS", "http://a?b", "http", "a", "/", "b"},
       }) {
    Target target;
    EXPECT_EQ(parse_target(c.method, c.target, target), nullptr) << c.target;
    EXPECT_EQ(target.form, TargetForm::absolute);
    EXPECT_EQ(target.scheme, c.scheme);
    EXPECT_EQ(target.authority, c.authority);
    EXPECT_EQ(target.path, c.path);
    EXPECT_EQ(target.query, c.query);
  }
}

TEST(Target, OfAuthorityFormIsForConnect) {
  Target target;
  EXPECT_EQ(parse_target("CONNECT", "example.com:443", target), nullptr);
  EXPECT_EQ(target.form, TargetForm::authority);
  EXPECT_EQ(target.authority, "example.com:443");
  EXPECT_EQ(target.path, "");
  EXPECT_EQ(parse_target("CONNECT", "[::1]:1", target), nullptr);
}

TEST(Target, OfAsteriskFormIsForOptions) {
  Target target;
  EXPECT_EQ(parse_target("OPTIONS", "*", target), nullptr);
  EXPECT_EQ(target.form, TargetForm::asterisk);
  EXPECT_EQ(target.path, "*");
}

TEST(Target, IsRefusedWhen) {
  struct Case {
    const char* why;
    const char* method;
    std::string_view target;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"it is empty", "GET", ""},
           {"it is a relative path", "GET", "a/b"},
           {"it is a query only", "GET", "?a"},
           {"it is an authority", "GET", "example.com:80"},
           {"'*' is not for OPTIONS", "GET", "*"},
           {"'*' is not for options", "options", "*"},
           {"'*' has company", "OPTIONS", "**"},
           {"'*' has a query", "OPTIONS", "*?a"},
           {"the scheme is another", "GET", "ftp://a/"},
           {"the scheme is a script", "GET", "javascript://a/"},
           {"the scheme is empty", "GET", "://a/"},
           {"a slash is missing", "GET", "http:/a/"},
           {"the authority is empty", "GET", "http:///a"},
           {"the authority is empty with a port", "GET", "http://:80/"},
           {"there is userinfo", "GET", "http://user@a/"},
           {"there is userinfo with a password", "GET", "http://user:secret@a/"},
           {"the port is no number", "GET", "http://a:b/"},
           {"the port is too large", "GET", "http://a:65536/"},
           {"a backslash is in the authority", "GET", "http://a\\b/"},
           {"a backslash is in the path", "GET", "/a\\..\\b"},
           {"CONNECT names no port", "CONNECT", "a"},
           {"CONNECT names an empty port", "CONNECT", "a:"},
           {"CONNECT names port 0", "CONNECT", "a:0"},
           {"CONNECT names no host", "CONNECT", ":80"},
           {"CONNECT names a path", "CONNECT", "a:80/"},
           {"CONNECT names '*'", "CONNECT", "*"},
           {"CONNECT names a user", "CONNECT", "u@a:80"},
           {"there is a fragment", "GET", "/a#b"},
           {"there is a space", "GET", "/a b"},
           {"there is a tab", "GET", "/a\tb"},
           {"there is a CR", "GET", "/a\rb"},
           {"there is NUL", "GET", std::string_view("/a\0b", 4)},
           {"there is DEL", "GET", "/\x7f"},
           {"there is a byte above 0x7f", "GET", "/a?\xc3\xa9"},
           {"there is such a byte behind the sixteenth", "GET", "/0123456789abcdefghij\x80"},
           {"an escape is not hexadecimal", "GET", "/%zz"},
           {"an escape has one digit", "GET", "/%4"},
           {"an escape has no digits", "GET", "/%"},
           {"an escape crosses into the query", "GET", "/%4?1"},
           {"an escape is a NUL", "GET", "/a%00b"},
           {"it climbs above the root", "GET", "/.."},
           {"it climbs above the root of a URL", "GET", "http://a/../b"},
       }) {
    Target target;
    const char* what = parse_target(c.method, c.target, target);
    EXPECT_NE(what, nullptr) << c.why << ": " << c.target;
  }
}

TEST(Path, IsRefusedWhenItsDotSegmentsClimbAboveTheRoot) {
  for (const char* path : {"/..", "/../", "/../a", "/a/../..", "/a/../../b", "/./..", "/%2e%2e", "/%2E./a", "/.%2e/a",
                           "/a/%2e%2E/../b", "/0123456789abcdef/../../x"}) {
    EXPECT_NE(check_path(path), nullptr) << path;
  }
  for (const char* path :
       {"/", "/.", "/./", "/a/..", "/a/../", "/a/b/../../c", "/...", "/..a", "/a..", "/.a/..", "//..", "/a/%2e%2e",
        "/%2e%2ea", "/.well-known/x", "/a/..../b", "/a.b/c..d/e.", "/%2f%2e%2e"}) {
    EXPECT_EQ(check_path(path), nullptr) << path;
  }
}

TEST(Path, IsNormalisedForRouting) {
  const std::pair<const char*, const char*> cases[] = {
      {"/%61dmin", "/admin"},
      {"/%41%5A%7a%30%2D%2e%5F%7e", "/AZz0-._~"},
      {"/static/../admin", "/admin"},
      {"/static/%2e%2E/admin", "/admin"},
      {"/a/./b", "/a/b"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../", "/a/"},
      {"/.", "/"},
      {"/./", "/"},
      {"/a/b/c/../../d", "/a/d"},
      {"/a//../b", "/a/b"},
      {"/a/../..b", "/..b"},
      {"/a%2fb", "/a%2Fb"},
      {"/a%2Fb", "/a%2Fb"},
      {"/%c3%a9", "/%C3%A9"},
      {"/%25%32%65", "/%252e"},
      {"/a%20b/./", "/a%20b/"},
      {"/0123456789abcdef/./x", "/0123456789abcdef/x"},
      {"//a/./b", "//a/b"},
      {"/mid/content=5/../6", "/mid/6"},
      {"/a/b/c/./../../g", "/a/g"},
  };
  for (const auto& [path, normal] : cases) {
    base::Arena arena;
    ASSERT_EQ(check_path(path), nullptr) << path;
    EXPECT_EQ(normalized_path(path, arena), normal) << path;
    EXPECT_EQ(normalized_path(normalized_path(path, arena), arena), normal) << path << " twice";
  }
}

TEST(Path, IsItsOwnNormalFormWhenNothingChanges) {
  base::Arena arena;
  for (std::string_view path : {"/", "/a/b", "//", "/a//b/", "/index.html", "/...", "/.git/x", "/a%2Fb", "*", "",
                                "/0123456789abcdef.ghijklmnop"}) {
    std::string_view normal = normalized_path(path, arena);
    EXPECT_EQ(normal.data(), path.data()) << path;
    EXPECT_EQ(normal.size(), path.size()) << path;
  }
}

TEST(Path, IsLookedAtOnEitherSideOfEveryVectorBoundary) {
  for (std::size_t before = 0; before < 40; ++before) {
    base::Arena arena;
    const std::string start = "/" + std::string(before, 'a');
    EXPECT_EQ(normalized_path(start + "/./b", arena), start + "/b");
    EXPECT_EQ(normalized_path(start + "/./bcdefghijklmnopqrstuvw", arena), start + "/bcdefghijklmnopqrstuvw");
    EXPECT_EQ(normalized_path(start + "%62", arena), start + "b");
    const std::string path = start + "/x\\";
    std::vector<char> exact(path.begin(), path.end());
    EXPECT_NE(check_path({exact.data(), exact.size()}), nullptr);
  }
}

}  // namespace
}  // namespace weir::http
