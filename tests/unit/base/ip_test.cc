#include "base/ip.h"

#include <array>
#include <netinet/in.h>
#include <string>
#include <string_view>

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

TEST(IpAddress, ASubscriberIsAnIpv4AddressOrTheFirstHalfOfAnIpv6Address) {
  EXPECT_EQ(IpAddress::parse("10.1.2.3")->subscriber(), *IpAddress::parse("10.1.2.3"));
  EXPECT_EQ(IpAddress::parse("2001:db8:1:2:3:4:5:6")->subscriber(), *IpAddress::parse("2001:db8:1:2::"));
}

TEST(Cidr, ContainsWhatSharesItsPrefix) {
  auto block = Cidr::parse("10.1.128.0/17");
  EXPECT_TRUE(block->contains(*IpAddress::parse("10.1.200.4")));
  EXPECT_FALSE(block->contains(*IpAddress::parse("10.1.127.255")));
  EXPECT_FALSE(block->contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.1.1.1")));
  EXPECT_FALSE(Cidr::parse("10.0.0.0/33"));
}

TEST(IpAddress, ReadsBothFamiliesAndWritesTheShortForm) {
  EXPECT_EQ(IpAddress::parse("255.0.10.1")->to_string(), "255.0.10.1");
  EXPECT_EQ(IpAddress::parse("[::1]")->to_string(), "::1");
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0:0:0:0:1")->to_string(), "2001:db8::1");
  EXPECT_FALSE(IpAddress::parse("1.2.3.4")->is_v6());
  EXPECT_TRUE(IpAddress::parse("::")->is_v6());
  EXPECT_EQ(IpAddress::parse("1.2.3.4")->bytes().size(), 4u);
  EXPECT_EQ(IpAddress::parse("::1")->bytes().size(), 16u);
}

TEST(IpAddress, WritesEveryByteOfIpv4InDecimal) {
  for (int byte = 0; byte < 256; ++byte) {
    auto value = static_cast<std::uint8_t>(byte);
    std::string text = std::to_string(byte);
    EXPECT_EQ(IpAddress::v4({value, 0, 10, value}).to_string(), text + ".0.10." + text);
  }
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (std::string_view text : {"",
                                " ",
                                "1.2.3",
                                "1.2.3.4.5",
                                "1.2.3.256",
                                "01.2.3.4",
                                "1.2.3.4 ",
                                "0x7f.1",
                                "2130706433",
                                "localhost",
                                ":",
                                ":::",
                                "1::2::3",
                                "fe80::1%eth0",
                                "[::1",
                                "::1]",
                                "[]",
                                "[",
                                "]",
                                "[1.2.3.4]",
                                "12345::",
                                "1:2:3:4:5:6:7:8:9",
                                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string_view("::1\0x", 5)));
}

TEST(IpAddress, KnowsLoopbackAndUnspecified) {
  EXPECT_TRUE(IpAddress::parse("127.0.0.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("127.255.1.2")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("1::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
  EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
  EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
  EXPECT_EQ(IpAddress(), IpAddress::parse("0.0.0.0"));
}

TEST(IpAddress, ComparesByFamilyAndBytes) {
  EXPECT_NE(IpAddress::parse("0.0.0.0"), IpAddress::parse("::"));
  EXPECT_LT(*IpAddress::parse("10.0.0.1"), *IpAddress::parse("10.0.0.2"));
  EXPECT_EQ(IpAddress::parse("10.0.0.1")->hash(), IpAddress::parse("::ffff:10.0.0.1")->hash());
  EXPECT_NE(IpAddress::parse("10.0.0.1")->hash(), IpAddress::parse("10.0.0.2")->hash());
}

TEST(SocketAddress, SurvivesTheSystemsForm) {
  for (const char* text : {"10.0.0.1:80", "[2001:db8::1]:65535", "0.0.0.0:0", "[::]:1"}) {
    SocketAddress address = *SocketAddress::parse(text);
    sockaddr_storage storage;
    socklen_t length = address.to(storage);
    EXPECT_EQ(length, address.ip.is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    EXPECT_EQ(SocketAddress::from(storage), address) << text;
  }
}

TEST(SocketAddress, OfAnotherFamilyIsEmpty) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(SocketAddress::from(storage), SocketAddress{});
}

TEST(Cidr, TakesASingleAddressAndWholeFamilies) {
  EXPECT_EQ(Cidr::parse("10.0.0.1")->to_string(), "10.0.0.1/32");
  EXPECT_EQ(Cidr::parse("::1")->to_string(), "::1/128");
  EXPECT_TRUE(Cidr::parse("::/0")->contains(*IpAddress::parse("ffff::1")));
  EXPECT_FALSE(Cidr::parse("::/0")->contains(*IpAddress::parse("1.1.1.1")));
  EXPECT_TRUE(Cidr::parse("10.0.0.1")->contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_FALSE(Cidr::parse("10.0.0.1")->contains(*IpAddress::parse("10.0.0.0")));
}

TEST(Cidr, ComparesExactlyItsPrefixAtEveryLength) {
  IpAddress base = *IpAddress::parse("170.170.170.170");
  for (unsigned bits = 1; bits <= 32; ++bits) {
    Cidr block{.network = base, .prefix_bits = static_cast<std::uint8_t>(bits)};
    std::array<std::uint8_t, 4> bytes = {170, 170, 170, 170};
    bytes[(bits - 1) / 8] ^= static_cast<std::uint8_t>(0x80 >> ((bits - 1) % 8));
    EXPECT_FALSE(block.contains(IpAddress::v4(bytes))) << bits;
    if (bits == 32) continue;
    bytes = {170, 170, 170, 170};
    bytes[bits / 8] ^= static_cast<std::uint8_t>(0x80 >> (bits % 8));
    EXPECT_TRUE(block.contains(IpAddress::v4(bytes))) << bits;
  }
}

TEST(Cidr, RefusesWhatIsNoBlock) {
  for (std::string_view text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/ 8",
                                "10.0.0/8", "::/129", "a/8"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

// An IPv4 block written as mapped IPv6 is one of IPv4, so its prefix counts from the 96th bit.
TEST(Cidr, TurnsMappedIpv6BlocksIntoIpv4) {
  EXPECT_EQ(Cidr::parse("::ffff:10.0.0.0/104"), Cidr::parse("10.0.0.0/8"));
  EXPECT_EQ(Cidr::parse("::ffff:10.0.0.1/128"), Cidr::parse("10.0.0.1"));
  EXPECT_FALSE(Cidr::parse("::ffff:10.0.0.0/95"));
  EXPECT_FALSE(Cidr::parse("::ffff:10.0.0.0/129"));
}

}  // namespace
}  // namespace weir::base
