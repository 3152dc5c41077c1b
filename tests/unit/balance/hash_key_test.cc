#include "balance/hash_key.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace weir::balance {
namespace {

using Kind = HashKeySource::Kind;

void expect_source(std::string_view text, Kind kind, std::string_view name) {
  std::optional<HashKeySource> source = parse_hash_key(text);
  ASSERT_TRUE(source) << text;
  EXPECT_EQ(source->kind, kind) << text;
  EXPECT_EQ(source->name, name) << text;
}

TEST(HashKey, ReadsEveryForm) {
  expect_source("client_address", Kind::client_address, "");
  expect_source("path", Kind::path, "");
  expect_source("header:x-user", Kind::header, "x-user");
  expect_source("cookie:session", Kind::cookie, "session");
  expect_source("query:user id", Kind::query, "user id");
}

TEST(HashKey, TurnsOnlyHeaderNamesIntoLowerCase) {
  expect_source("header:X-User", Kind::header, "x-user");
  expect_source("cookie:SID", Kind::cookie, "SID");
  expect_source("query:User", Kind::query, "User");
}

TEST(HashKey, KeepsColonsOfAQueryParameter) { expect_source("query:a:b", Kind::query, "a:b"); }

TEST(HashKey, RefusesEverythingElse) {
  for (std::string_view text :
       {"", "client", "Path", "header", "header:", "cookie:", "query:", "header:x y", "header:x:y", "cookie:a=b",
        "cookie:a;b", "header:\x80", "path:", "client_address:", ":x", "body:x", " path"}) {
    EXPECT_FALSE(parse_hash_key(text)) << text;
  }
}

TEST(HashKey, SaysWhatIsWrong) {
  config::Choice choice{.name = "maglev", .options = {{"hash_key", std::string("header:")}}};
  for (const config::KindEntry& strategy : strategies()) {
    if (std::ranges::find(strategy.options, "hash_key", &config::OptionSpec::key) == strategy.options.end()) continue;
    choice.name = strategy.name;
    choice.options["hash_key"] = std::string("header:");
    std::vector<config::OptionFault> faults = strategy.faults(choice);
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_EQ(faults[0].key, "hash_key");
    EXPECT_EQ(faults[0].message, "'header:' is none of client_address, header:NAME, cookie:NAME, path, query:NAME");
    choice.options["hash_key"] = std::string("header:x-user");
    EXPECT_TRUE(strategy.faults(choice).empty());
    EXPECT_TRUE(strategy.faults({.name = choice.name, .options = {}}).empty());
  }
}

TEST(HashKey, IsWhatTheStrategyAsksFor) {
  config::Choice choice{.name = "maglev", .options = {{"hash_key", std::string("cookie:sid")}}};
  for (std::string name : {"maglev", "consistent_hash"}) {
    choice.name = name;
    HashKeySource source = make_strategy(choice, {}, nullptr)->hash_key();
    EXPECT_EQ(source.kind, Kind::cookie);
    EXPECT_EQ(source.name, "sid");
  }
}

TEST(HashKey, IsTheClientAddressUnlessGiven) {
  EXPECT_EQ(hash_key_of({.name = "maglev", .options = {}}).kind, Kind::client_address);
  EXPECT_EQ(make_strategy({.name = "ip_hash", .options = {}}, {}, nullptr)->hash_key().kind, Kind::client_address);
}

TEST(MakeStrategyDeathTest, InsistsOnARegisteredName) {
  EXPECT_DEATH(make_strategy({.name = "fastest", .options = {}}, {}, nullptr), "found != nullptr");
}

}  // namespace
}  // namespace weir::balance
