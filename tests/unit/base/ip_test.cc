#include "base/ip.h"

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(SocketAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(SocketAddress::parse("10.0.0.1:80")->to_string(), "10.0.0.1:80");
  EXPECT_EQ(SocketAddress::parse("[2001:db8::1]:443")->to_string(), "[2001:db8::1]:443");
}

TEST(SocketAddress, RefusesWhatHasNoPortOrNoAddress) {
  for (const char* text :
       {"", "10.0.0.1", ":80", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:+1", "::1:80", "a:80", "[10.0.0.1]:80"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(IpAddress, TurnsMappedIpv6IntoIpv4) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3"), IpAddress::parse("10.1.2.3"));
}

TEST(Cidr, ContainsWhatSharesItsPrefix) {
  auto block = Cidr::parse("10.1.128.0/17");
  EXPECT_TRUE(block->contains(*IpAddress::parse("10.1.200.4")));
  EXPECT_FALSE(block->contains(*IpAddress::parse("10.1.127.255")));
  EXPECT_FALSE(block->contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.1.1.1")));
  EXPECT_FALSE(Cidr::parse("10.0.0.0/33"));
}

}  // namespace
}  // namespace weir::base
