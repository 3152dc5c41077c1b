// How the keys of a sticky pool may be written, and which of them nothing would heed.
#include <fmt/format.h>

#include "config/json.h"
#include "config/read.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

TEST(Read, TakesShortFormsOfSticky) {
  auto sticky = [](std::string_view keys) {
    return read_yaml(fmt::format("pools: [{{name: p, {}}}]", keys), "t.yaml", test_kinds()).value().pools[0].sticky;
  };
  Sticky by_cookie{default_choice(*find_entry(test_kinds()["methods"].entries, "cookie"))};
  by_cookie.method.options["ttl"] = Duration(std::chrono::minutes(2));
  EXPECT_EQ(sticky("sticky_sessions: true, sticky_ttl: 2m"), by_cookie);
  EXPECT_EQ(sticky("sticky: {type: cookie, ttl: 2m}"), by_cookie);
  EXPECT_EQ(sticky("sticky_sessions: true, sticky: {ttl: 2m}"), by_cookie);
  EXPECT_EQ(sticky("sticky_ttl: 2m, sticky: {type: cookie, ttl: 5m}"), by_cookie);
  EXPECT_EQ(sticky("sticky: source_ip").method.name, "source_ip");
  EXPECT_FALSE(sticky("sticky: {type: off, ttl: 2m}").is_on());
}

TEST(Read, RefusesOptionsOfStickyThatNothingHeeds) {
  EXPECT_THAT(faults_of(with_pool("sticky: {ttl: 2m}")),
              HasSubstr("pools[0].sticky: has options but no type; write `type: cookie`"));
  EXPECT_THAT(faults_of(with_pool("sticky: {header: x-s}")),
              HasSubstr("pools[0].sticky: has no type; 'header' is one: write `sticky: {type: header, name: 'x-s'}`"));
  EXPECT_THAT(faults_of(with_pool("sticky: {source_ip: true}")),
              HasSubstr("'source_ip' is one: write `sticky: {type: source_ip}`"));
  EXPECT_THAT(faults_of(with_pool("sticky_ttl: 2m")), HasSubstr("sticky_ttl: turns nothing on by itself"));
  EXPECT_THAT(faults_of(with_pool("sticky: cookie, sticky_sessions: false")),
              HasSubstr("sticky_sessions: contradicts `sticky`"));
  EXPECT_THAT(faults_of(with_pool("sticky: {type: source_ip, same_site: lax}")),
              HasSubstr("sticky.same_site: is an option of `type: cookie` only"));
  EXPECT_THAT(faults_of(with_pool("sticky: {type: header, name: x-s, ttl: 2m}")),
              HasSubstr("sticky.ttl: is an option"));
  EXPECT_THAT(faults_of(with_pool("sticky: source_ip, sticky_ttl: 2m")), HasSubstr("only `type: cookie` has a ttl"));
  for (const char* good :
       {"off", "{}", "{type: off, ttl: 2m}", "{type: header, name: x-s}", "{type: cookie, ttl: 2m}"}) {
    EXPECT_EQ(faults_of(with_pool(fmt::format("sticky: {}", good))), "") << good;
  }
}

TEST(Read, TakesTheStickyThatItShows) {
  for (const char* shown : {"off", "cookie", "source_ip", "{type: header, name: x-s}"}) {
    Pool pool = must_read(with_pool(fmt::format("sticky: {}", shown))).pools[0];
    auto again = read_pool(to_json(pool), test_kinds());
    ASSERT_TRUE(again.has_value()) << faults_text(again.error());
    EXPECT_EQ(again->sticky, pool.sticky);
    EXPECT_TRUE(patch_pool(pool, R"({"sticky_sessions": false})", test_kinds()).has_value()) << shown;
  }
  EXPECT_FALSE(read_pool(R"({"name": "p", "sticky": {"ttl": "2m"}})", test_kinds()).has_value());
}

TEST(Read, TakesTheStickyThatEarlierVersionsStored) {
  for (const char* type : {"off", "source_ip"}) {
    auto pool =
        read_pool(fmt::format(R"({{"name": "p", "sticky": {{"type": "{}", "ttl": "1h", "absolute": false}}}})", type),
                  test_kinds());
    ASSERT_TRUE(pool.has_value()) << faults_text(pool.error());
    EXPECT_EQ(pool->sticky.is_on(), type == std::string_view("source_ip"));
    EXPECT_TRUE(pool->sticky.method.options.empty());
  }
}

TEST(Read, KeepsNoOptionsOfAMethodThatAPatchReplaces) {
  Pool pool = must_read(with_pool("sticky: {type: cookie, name: KEEP}")).pools[0];
  auto patched = patch_pool(pool, R"({"sticky": {"type": "header", "name": "x-s"}})", test_kinds());
  ASSERT_TRUE(patched.has_value()) << faults_text(patched.error());
  EXPECT_EQ(patched->sticky.method, (Choice{.name = "header", .options = {{"name", std::string("x-s")}}}));
}

}  // namespace
}  // namespace weir::config
