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

struct Canonical {
  std::string fault, clean, routed;
};
Canonical canonical(std::string_view path, const PathRules& rules = {}) {
  base::Arena arena;
  EXPECT_EQ(check_path(path), nullptr) << path;
  const PathForm form = canonical_path(path, rules, arena);
  return {form.fault == nullptr ? "" : form.fault, std::string(form.clean), std::string(form.routed)};
}

TEST(CanonicalPath, IsOneForAllSpellingsOfAPlace) {
  for (const char* path : {"/admin/x", "//admin/x", "///admin//x", "/a/..//admin/./x", "/%61dmin/x", "/admin;a/x",
                           "/admin;a=b;c/x;", "/admin%3ba/x", "/%2e/admin/%78", "/admin/y/%2E%2e/x", "//./admin/x"}) {
    EXPECT_EQ(canonical(path).routed, "/admin/x") << path;
  }
}

TEST(CanonicalPath, DecodesForRoutesWhatBackendsDecode) {
  EXPECT_EQ(canonical("/v1/users%3AbatchDelete").routed, "/v1/users:batchDelete");
  EXPECT_EQ(canonical("/v1/users%3abatchDelete").clean, "/v1/users%3AbatchDelete");
  EXPECT_EQ(canonical("/a%2Bb%40%21%22").routed, "/a+b@!\"");
  EXPECT_EQ(canonical("/a%2bb").clean, "/a%2Bb");
}

TEST(CanonicalPath, DecodesNothingTwice) {
  for (const char* path : {"/%2525", "/%252e%252e/admin", "/%252Fadmin", "/a%253Bb", "/%25"}) {
    EXPECT_EQ(canonical(path).clean, path);
    EXPECT_EQ(canonical(path).routed, path);
  }
}

TEST(CanonicalPath, KeepsEscapesOfBytesWithAMeaningOfTheirOwn) {
  for (const char* path : {"/a%3Fb", "/a%23b", "/a%20b", "/a%0Ab", "/a%7Fb", "/%C3%A9", "/a%09"}) {
    EXPECT_EQ(canonical(path).routed, path);
  }
}

TEST(CanonicalPath, KeepsTheSlashAtItsEnd) {
  EXPECT_EQ(canonical("/a//").clean, "/a/");
  EXPECT_EQ(canonical("//").clean, "/");
  EXPECT_EQ(canonical("/a/.").clean, "/a/");
  EXPECT_EQ(canonical("/a/..").clean, "/");
  EXPECT_EQ(canonical("/a/b/..//").clean, "/a/");
  EXPECT_EQ(canonical("/a/;b").routed, "/a/");
}

TEST(CanonicalPath, OfTheListenerMayKeepSlashes) {
  const PathRules rules{.merge_slashes = false};
  EXPECT_EQ(canonical("/a//b/", rules).clean, "/a//b/");
  EXPECT_EQ(canonical("/a//../b", rules).clean, "/a/b");
  EXPECT_EQ(canonical("/a//../b").clean, "/b");
}

TEST(CanonicalPath, RefusesEncodedSlashesDecodesThemOrKeepsThem) {
  EXPECT_NE(canonical("/admin%2Fx").fault, "");
  EXPECT_NE(canonical("/admin%2fx").fault, "");
  EXPECT_NE(canonical("/admin%5cx").fault, "");
  const PathRules decode{.encoded_slash = EncodedSlash::decode};
  EXPECT_EQ(canonical("/admin%2Fx", decode).clean, "/admin/x");
  EXPECT_EQ(canonical("/a%2f%2F..%2fx", decode).clean, "/x");
  EXPECT_NE(canonical("/a%2F..%2f..", decode).fault, "");
  EXPECT_NE(canonical("/admin%5Cx", decode).fault, "");
  const PathRules keep{.encoded_slash = EncodedSlash::keep};
  EXPECT_EQ(canonical("/admin%2fx%5c", keep).routed, "/admin%2Fx%5C");
}

TEST(CanonicalPath, KeepsParametersForBackends) {
  EXPECT_EQ(canonical("/a;b=%2e/c;d").clean, "/a;b=./c;d");
  EXPECT_EQ(canonical("/a;b=%2e/c;d").routed, "/a/c");
  const PathRules keep{.parameters = PathParameters::keep};
  EXPECT_EQ(canonical("/a;b/c%3bd", keep).routed, "/a;b/c%3Bd");
  const PathRules refuse{.parameters = PathParameters::refuse};
  EXPECT_NE(canonical("/a;b", refuse).fault, "");
  EXPECT_NE(canonical("/a%3Bb", refuse).fault, "");
}

TEST(CanonicalPath, RefusesWhatNoTwoParsersAgreeOn) {
  for (const PathParameters parameters : {PathParameters::ignore, PathParameters::keep, PathParameters::refuse}) {
    for (const char* path : {"/a/..;/admin", "/a/..;x=1/admin", "/%2e%2e;/admin", "/.;/admin", "/a/.%2e%3b/admin"}) {
      EXPECT_NE(canonical(path, {.parameters = parameters}).fault, "") << path;
    }
  }
  EXPECT_NE(canonical("/;a/admin").fault, "");
  EXPECT_NE(canonical("//a/../..").fault, "") << "climbs once its slashes are merged";
}

TEST(CanonicalPath, IsTheReceivedOneWhenNothingChanges) {
  base::Arena arena;
  for (std::string_view path : {"/", "/a/b", "/index.html", "/...", "/.git/x", "/a%20b", "*", "", "/a%C3%A9/x.y"}) {
    const PathForm form = canonical_path(path, {}, arena);
    EXPECT_EQ(form.clean.data(), path.data()) << path;
    EXPECT_EQ(form.routed.data(), path.data()) << path;
  }
}

TEST(CanonicalPath, IsItsOwnCanonicalForm) {
  constexpr std::string_view kParts[] = {"/", "a", ".", "%2e", "%2F", ";", "%3b", "%25", "%3A", "%5C", "\"", "%C3"};
  for (std::size_t seed = 0; seed < 20'000; ++seed) {
    std::string path = "/";
    for (std::size_t left = seed * 7919; left > 0; left /= 13) {
      if (left % 13 < std::size(kParts)) path += kParts[left % 13];
    }
    if (check_path(path) != nullptr) continue;
    for (unsigned each = 0; each < 18; ++each) {
      const PathRules rules{.merge_slashes = each % 2 == 0,
                            .encoded_slash = static_cast<EncodedSlash>(each / 2 % 3),
                            .parameters = static_cast<PathParameters>(each / 6)};
      const Canonical form = canonical(path, rules);
      if (!form.fault.empty()) continue;
      ASSERT_EQ(canonical(form.clean, rules).clean, form.clean) << path << " by rules " << each;
      ASSERT_EQ(canonical(form.clean, rules).routed, form.routed) << path << " by rules " << each;
      ASSERT_EQ(canonical(form.routed, rules).routed, form.routed) << path << " by rules " << each;
    }
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
