#include "exchange/forwarded.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace weir::exchange {
namespace {

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }

// Behind 10.0.0.0/8 and fd00::/8.
class ForwardedTest : public testing::Test {
 protected:
  Forwarded of(std::string_view peer, std::vector<std::pair<std::string_view, std::string_view>> fields) {
    request_.clear();
    request_.authority = "shop.example:8080";
    for (const auto& [name, value] : fields) request_.headers.add(name, value);
    return forwarded(request_, ip(peer), is_trusted(ip(peer), trusted_), "http", trusted_, arena_);
  }
  std::string client(std::string_view peer, std::string_view forwarded_for) {
    return of(peer, {{"X-Forwarded-For", forwarded_for}}).client.to_string();
  }
  std::vector<base::Cidr> trusted_ = {base::Cidr::parse("10.0.0.0/8").value(), base::Cidr::parse("fd00::/8").value()};
  http::RequestHead request_;
  base::Arena arena_;
};

TEST_F(ForwardedTest, OfAClientWithoutFieldsIsItself) {
  const Forwarded made = of("192.0.2.1", {});
  EXPECT_EQ(made.client, ip("192.0.2.1"));
  EXPECT_EQ(made.forwarded_for, "192.0.2.1");
  EXPECT_EQ(made.forwarded_proto, "http");
  EXPECT_EQ(made.forwarded_host, "shop.example:8080");
}

TEST_F(ForwardedTest, WritesEveryAddressAsItsText) {
  for (const char* peer :
       {"0.0.0.0", "255.255.255.255", "1.20.255.9", "2001:db8::1", "::1", "2001:db8:1111:2222:3333:4444:5555:6666"}) {
    EXPECT_EQ(of(peer, {}).forwarded_for, peer);
  }
  for (int byte = 0; byte < 256; ++byte) {
    std::string peer = std::to_string(byte) + ".0.10." + std::to_string(255 - byte);
    EXPECT_EQ(of(peer.c_str(), {}).forwarded_for, peer);
  }
}

TEST_F(ForwardedTest, OfAnUntrustedPeerReplacesWhatItSent) {
  const Forwarded made =
      of("192.0.2.1",
         {{"X-Forwarded-For", "10.9.9.9"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "evil.example"}});
  EXPECT_EQ(made.client, ip("192.0.2.1"));
  EXPECT_EQ(made.forwarded_for, "192.0.2.1");
  EXPECT_EQ(made.forwarded_proto, "http");
  EXPECT_EQ(made.forwarded_host, "shop.example:8080");
}

TEST_F(ForwardedTest, OfATrustedPeerIsAppendedTo) {
  const Forwarded made =
      of("10.0.0.1",
         {{"X-Forwarded-For", "203.0.113.7"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "www.example"}});
  EXPECT_EQ(made.client, ip("203.0.113.7"));
  EXPECT_EQ(made.forwarded_for, "203.0.113.7, 10.0.0.1");
  EXPECT_EQ(made.forwarded_proto, "https");
  EXPECT_EQ(made.forwarded_host, "www.example");
}

TEST_F(ForwardedTest, OfATrustedPeerWithoutFieldsIsThePeer) {
  const Forwarded made = of("10.0.0.1", {});
  EXPECT_EQ(made.client, ip("10.0.0.1"));
  EXPECT_EQ(made.forwarded_for, "10.0.0.1");
  EXPECT_EQ(made.forwarded_proto, "http");
  EXPECT_EQ(made.forwarded_host, "shop.example:8080");
}

TEST_F(ForwardedTest, TakesTheFirstUntrustedAddressFromTheRight) {
  EXPECT_EQ(client("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.3, 10.0.0.2"), "203.0.113.7");
  EXPECT_EQ(client("10.0.0.1", "203.0.113.7,10.0.0.3"), "203.0.113.7");
  EXPECT_EQ(client("fd00::1", "2001:db8::7, fd00::2"), "2001:db8::7");
}

TEST_F(ForwardedTest, TakesTheLeftmostWhenAllAreTrusted) {
  EXPECT_EQ(client("10.0.0.1", "10.0.0.4, 10.0.0.3"), "10.0.0.4");
}

TEST_F(ForwardedTest, StopsAtWhatIsNoAddress) {
  EXPECT_EQ(client("10.0.0.1", "203.0.113.7, unknown"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", "203.0.113.7, _hidden, 10.0.0.2"), "10.0.0.2");
  EXPECT_EQ(client("10.0.0.1", "203.0.113.7, 10.0.0.2:99999"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", "1.2.3"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", "[:80"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", ":80"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", ":"), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", "["), "10.0.0.1");
}

TEST_F(ForwardedTest, UnderstandsEntriesWithAPort) {
  EXPECT_EQ(client("10.0.0.1", "203.0.113.7:4711"), "203.0.113.7");
  EXPECT_EQ(client("10.0.0.1", "[2001:db8::7]:4711"), "2001:db8::7");
  EXPECT_EQ(client("10.0.0.1", "[2001:db8::7]"), "2001:db8::7");
  EXPECT_EQ(client("10.0.0.1", "2001:db8::7"), "2001:db8::7");
}

TEST_F(ForwardedTest, SkipsEmptyEntries) {
  EXPECT_EQ(client("10.0.0.1", "203.0.113.7, ,, 10.0.0.2 ,"), "203.0.113.7");
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-For", " , ,"}}).forwarded_for, "10.0.0.1");
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-For", ""}}).forwarded_for, "10.0.0.1");
}

TEST_F(ForwardedTest, JoinsRepeatedFieldsInTheirOrder) {
  const Forwarded made = of("10.0.0.1", {{"X-Forwarded-For", "203.0.113.7,10.0.0.4"}, {"x-forwarded-for", "10.0.0.3"}});
  EXPECT_EQ(made.forwarded_for, "203.0.113.7, 10.0.0.4, 10.0.0.3, 10.0.0.1");
  EXPECT_EQ(made.client, ip("203.0.113.7"));
}

TEST_F(ForwardedTest, CutsALongListAtItsLeftToWholeEntries) {
  std::string list = "203.0.113.7";
  for (int i = 0; i < 500; ++i) list += ", 10.1.1.1";
  const Forwarded made = of("10.0.0.1", {{"X-Forwarded-For", list}});
  EXPECT_LE(made.forwarded_for.size(), kMaxForwardedForBytes);
  EXPECT_GT(made.forwarded_for.size(), kMaxForwardedForBytes - 16);
  EXPECT_TRUE(made.forwarded_for.starts_with("10.1.1.1, "));
  EXPECT_TRUE(made.forwarded_for.ends_with(", 10.0.0.1"));
  EXPECT_EQ(made.client, ip("10.1.1.1"));
}

TEST_F(ForwardedTest, DropsOneEntryThatIsTooLong) {
  const std::string entry(2000, 'x');
  const Forwarded made = of("10.0.0.1", {{"X-Forwarded-For", entry + ", 203.0.113.7"}});
  EXPECT_EQ(made.forwarded_for, "203.0.113.7, 10.0.0.1");
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-For", entry}}).forwarded_for, "10.0.0.1");
}

TEST_F(ForwardedTest, LooksAtABoundedNumberOfHops) {
  std::string list = "203.0.113.7";
  for (std::size_t i = 0; i < kMaxForwardedHops; ++i) list += ",fd00::1";
  EXPECT_EQ(client("fd00::2", list), "fd00::1");
}

TEST_F(ForwardedTest, BelievesOnlySaneSchemesAndHosts) {
  for (const char* proto : {"ftp", "", "http,https", "https "}) {
    EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Proto", proto}}).forwarded_proto, "http") << proto;
  }
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Proto", "HTTPS"}}).forwarded_proto, "https");
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Proto", "http"}, {"X-Forwarded-Proto", "https"}}).forwarded_proto, "http");
  for (const char* host : {"", "a b", "a,b", "user@a", "a:b"}) {
    EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Host", host}}).forwarded_host, "shop.example:8080") << host;
  }
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Host", "a"}, {"X-Forwarded-Host", "b"}}).forwarded_host, "shop.example:8080");
}

TEST_F(ForwardedTest, BelievesThePortOfTrustedPeers) {
  EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Port", "8443"}}).forwarded_port, "8443");
  EXPECT_EQ(of("192.0.2.1", {{"X-Forwarded-Port", "8443"}}).forwarded_port, "");
  for (const char* port : {"", "0", "65536", "80x", "80, 81"}) {
    EXPECT_EQ(of("10.0.0.1", {{"X-Forwarded-Port", port}}).forwarded_port, "") << port;
  }
}

TEST_F(ForwardedTest, GivesNoHostWhereThereIsNone) {
  EXPECT_TRUE(forwarded({}, ip("192.0.2.1"), false, "https", trusted_, arena_).forwarded_host.empty());
}

TEST(TrustedPeers, AreThoseInOneOfTheBlocks) {
  const std::vector<base::Cidr> blocks = {base::Cidr::parse("10.0.0.0/8").value(), base::Cidr::parse("::1").value()};
  EXPECT_TRUE(is_trusted(ip("10.255.0.1"), blocks));
  EXPECT_TRUE(is_trusted(ip("::1"), blocks));
  EXPECT_FALSE(is_trusted(ip("11.0.0.1"), blocks));
  EXPECT_FALSE(is_trusted(ip("10.0.0.1"), {}));
}

TEST(ForwardedFields, ThatAreReplacedAreTheThreeAndForwardedOfStrangers) {
  using enum http::HeaderId;
  for (http::HeaderId id : {x_forwarded_for, x_forwarded_proto, x_forwarded_host}) {
    EXPECT_TRUE(replaces(id, true));
    EXPECT_TRUE(replaces(id, false));
  }
  EXPECT_FALSE(replaces(http::HeaderId::forwarded, true));
  EXPECT_TRUE(replaces(http::HeaderId::forwarded, false));
  EXPECT_FALSE(replaces(traceparent, false));
  EXPECT_FALSE(replaces(other, false));
}

}  // namespace
}  // namespace weir::exchange
