#include "persist/sticky_cookie.h"

#include "gtest/gtest.h"

namespace weir::persist {
namespace {

using std::chrono::seconds;

pool::BackendSet three_backends() {
  pool::BackendSet set;
  for (const char* id : {"a", "b", "c"}) {
    set.push_back({.backend = std::make_shared<pool::Backend>("site", id, "127.0.0.1", 80), .addresses = nullptr});
  }
  return set;
}

class StickyCookie : public testing::Test {
 protected:
  // The request's Cookie field as a browser makes it of the Set-Cookie value.
  std::string cookie_for(const pool::Backend& backend, config::Duration ttl = seconds(60)) {
    options_.ttl = ttl;
    std::string_view set_cookie = cookies().make(backend, false, kNow, arena_);
    return std::string(set_cookie.substr(0, set_cookie.find(';')));
  }
  std::optional<StickyCookies::Named> read_with(const StickyCookies& cookies, const std::string& cookie,
                                                std::int64_t now) {
    http::HeaderMap headers;
    headers.add("cookie", cookie);
    return cookies.read(headers, now);
  }
  std::optional<Identity> read(const std::string& cookie, std::int64_t now, std::string_view pool = "site") {
    auto read = read_with(StickyCookies(key_of(1), pool, {}), cookie, now);
    return read ? std::optional(read->identity) : std::nullopt;
  }
  std::string attributes(bool over_tls = false) {
    std::string_view set_cookie = cookies().make(*set_[0].backend, over_tls, kNow, arena_);
    return std::string(set_cookie.substr(set_cookie.find(';')));
  }
  static constexpr std::int64_t kNow = 1'800'000'000;
  base::Arena arena_;
  CookieOptions options_;
  static StickyKey key_of(unsigned char byte) {
    StickyKey key;
    key.bytes.fill(byte);
    return key;
  }
  StickyCookies cookies() const { return StickyCookies(key_of(1), "site", options_); }
  pool::BackendSet set_ = three_backends();
  StickyIndex index_{set_, cookies()};
};

TEST_F(StickyCookie, LeadsBackToTheBackendItWasMadeFor) {
  for (std::uint32_t i = 0; i < set_.size(); ++i) {
    auto named = read(cookie_for(*set_[i].backend), kNow + 59);
    ASSERT_TRUE(named);
    EXPECT_EQ(index_.find(*named), i);
  }
}

TEST_F(StickyCookie, IsWorthNothingOnceExpiredOrForAnotherPool) {
  std::string cookie = cookie_for(*set_[0].backend);
  EXPECT_FALSE(read(cookie, kNow + 60));
  EXPECT_FALSE(read(cookie, kNow, "other"));
}

TEST_F(StickyCookie, IsReadByThePoolsOwnName) {
  options_.name = "KEEP";
  EXPECT_TRUE(cookie_for(*set_[0].backend).starts_with("KEEP="));
  EXPECT_FALSE(read(cookie_for(*set_[0].backend), kNow)) << "under the usual name there is none";
}

TEST_F(StickyCookie, IsRefusedWithAnyDigitChanged) {
  std::string cookie = cookie_for(*set_[0].backend);
  for (std::size_t i = cookie.find('=') + 1; i < cookie.size(); ++i) {
    std::string forged = cookie;
    forged[i] = forged[i] == '0' ? '1' : '0';
    EXPECT_FALSE(read(forged, kNow)) << i;
  }
}

TEST_F(StickyCookie, IsRefusedWhenItIsNotOfItsForm) {
  for (const char* cookie :
       {"SERVERID=", "SERVERID=abc",
        "SERVERID=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "x=y", ""}) {
    EXPECT_FALSE(read(cookie, kNow)) << cookie;
  }
}

TEST_F(StickyCookie, ABackendThatLeftTheSetIsNotFound) {
  Identity gone = cookies().identity(*set_[1].backend);
  pool::BackendSet fewer{set_[0], set_[2]};
  EXPECT_FALSE(StickyIndex(fewer, cookies()).find(gone));
  EXPECT_FALSE(StickyIndex().find(gone));
}

// RFC 4231 4.2 and 4.3.
TEST(HmacSha256, IsThatOfTheStandard) {
  auto hex = [](const HmacSha256::Code& code) {
    std::string text;
    for (unsigned char byte : code) text += fmt::format("{:02x}", byte);
    return text;
  };
  std::array<unsigned char, 20> key;
  key.fill(0x0b);
  EXPECT_EQ(hex(HmacSha256(key)({"Hi There"})), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const std::array<unsigned char, 4> jefe{'J', 'e', 'f', 'e'};
  EXPECT_EQ(hex(HmacSha256(jefe)({"what do ya want ", "", "for nothing?"})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_F(StickyCookie, SaysNothingOfItsBackendToWhomLacksTheKey) {
  StickyCookies other(key_of(2), "site", {});
  EXPECT_NE(cookies().identity(*set_[0].backend), other.identity(*set_[0].backend));
  EXPECT_NE(cookies().identity(pool::Backend("a", "bc", "127.0.0.1", 80)),
            cookies().identity(pool::Backend("ab", "c", "127.0.0.1", 80)));
  // Identity, expiry and tag: 128, 32 and 128 bits.
  EXPECT_EQ(cookie_for(*set_[0].backend).size(), std::string("SERVERID=").size() + 72);
}

TEST_F(StickyCookie, IsDueOnceATenthOfItsTimeIsOverUnlessThatIsAbsolute) {
  std::string cookie = cookie_for(*set_[0].backend);
  EXPECT_FALSE(read_with(cookies(), cookie, kNow + 5)->is_due);
  EXPECT_TRUE(read_with(cookies(), cookie, kNow + 6)->is_due);
  options_.absolute = true;
  EXPECT_FALSE(read_with(cookies(), cookie, kNow + 59)->is_due);
}

TEST_F(StickyCookie, HasTheAttributesOfItsPool) {
  options_.ttl = seconds(60);
  EXPECT_EQ(attributes(), "; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
  EXPECT_EQ(attributes(true), "; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
  options_.secure = false;
  EXPECT_EQ(attributes(true), "; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
  options_.secure = std::nullopt;
  options_.same_site = http::SameSite::none;
  EXPECT_EQ(attributes(), "; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=None");
  options_.same_site = http::SameSite::strict;
  options_.domain = "example.com";
  options_.path = "/shop";
  EXPECT_EQ(attributes(), "; Path=/shop; Domain=example.com; Max-Age=60; HttpOnly; SameSite=Strict");
}

}  // namespace
}  // namespace weir::persist
