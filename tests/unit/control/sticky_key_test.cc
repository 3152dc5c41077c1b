#include "control/sticky_key.h"

#include "gtest/gtest.h"

namespace weir::control {
namespace {

store::Contents holding(const std::string& json) {
  store::Contents contents;
  contents.objects.push_back({.kind = "secret", .name = "sticky_cookies", .json = json});
  return contents;
}

TEST(StickyKey, ComesBackFromTheStoreAsItWasPutThere) {
  persist::StickyKey key = persist::StickyKey::random();
  store::Change change = sticky_key_change(key);
  ASSERT_TRUE(change.json);
  EXPECT_EQ(stored_sticky_key(holding(*change.json)), key);
}

TEST(StickyKey, MayBeOneOfAnEarlierVersion) {
  auto key = stored_sticky_key(holding(R"({"key":"000102030405060708090a0b0c0d0e0f"})"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bytes[15], 15);
  EXPECT_EQ(key->bytes[31], 0);
}

TEST(StickyKey, IsNothingElse) {
  for (const char* json : {"", "{}", R"({"key":"00"})", R"({"key":"zz0102030405060708090a0b0c0d0e0f"})"}) {
    EXPECT_FALSE(stored_sticky_key(holding(json))) << json;
  }
}

TEST(StickyKey, FollowsFromAConfiguredSecret) {
  auto one = configured_sticky_key({.value = "0123456789abcdef", .file = {}});
  auto other = configured_sticky_key({.value = "fedcba9876543210", .file = {}});
  ASSERT_TRUE(one && *one && other && *other);
  EXPECT_NE(**one, **other);
  EXPECT_EQ(**one, **configured_sticky_key({.value = "0123456789abcdef", .file = {}}));
}

}  // namespace
}  // namespace weir::control
