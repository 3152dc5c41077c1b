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

config::Pool named(std::string_view name) {
  config::Pool pool;
  pool.name = name;
  return pool;
}

class StickyCookie : public testing::Test {
 protected:
  // The request's Cookie field as a browser makes it of the Set-Cookie value.
  std::string cookie_for(const pool::Backend& backend, config::Duration ttl = seconds(60)) {
    pool_.sticky.ttl = ttl;
    std::string_view set_cookie = cookies_.make(backend, pool_, kNow, arena_);
    return std::string(set_cookie.substr(0, set_cookie.find(';')));
  }
  std::optional<std::uint64_t> read(const std::string& cookie, std::int64_t now, std::string_view pool = "site") {
    http::HeaderMap headers;
    headers.add("cookie", cookie);
    return cookies_.read(headers, named(pool), now);
  }
  static constexpr std::int64_t kNow = 1'800'000'000;
  base::Arena arena_;
  config::Pool pool_ = named("site");
  StickyCookies cookies_{base::HashKey{1, 2}};
  pool::BackendSet set_ = three_backends();
  StickyIndex index_{set_};
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
  pool_.sticky.name = "KEEP";
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
       {"SERVERID=", "SERVERID=abc", "SERVERID=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "x=y", ""}) {
    EXPECT_FALSE(read(cookie, kNow)) << cookie;
  }
}

TEST_F(StickyCookie, ABackendThatLeftTheSetIsNotFound) {
  std::uint64_t gone = identity(*set_[1].backend);
  pool::BackendSet fewer{set_[0], set_[2]};
  EXPECT_FALSE(StickyIndex(fewer).find(gone));
  EXPECT_FALSE(StickyIndex().find(gone));
}

}  // namespace
}  // namespace weir::persist
