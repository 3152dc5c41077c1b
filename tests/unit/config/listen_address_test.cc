#include "config/listen_address.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

std::string sockets(std::string_view text) {
  std::string all;
  for (const base::SocketAddress& address : socket_addresses(text)) all += address.to_string() + " ";
  return all;
}

TEST(ListenAddress, IsOneAddressARangeOrSeveral) {
  EXPECT_EQ(sockets("10.0.0.1:80"), "10.0.0.1:80 ");
  EXPECT_EQ(sockets("*:80"), "0.0.0.0:80 [::]:80 ");
  EXPECT_EQ(sockets("[::1]:5000-5002"), "[::1]:5000 [::1]:5001 [::1]:5002 ");
  EXPECT_EQ(sockets("10.0.0.1:80,10.0.0.2:8080-8081"), "10.0.0.1:80 10.0.0.2:8080 10.0.0.2:8081 ");
  EXPECT_EQ(sockets("127.0.0.1:0"), "127.0.0.1:0 ");
}

TEST(ListenAddress, IsNothingElse) {
  for (std::string_view bad : {"", "80", "*", "a:80", "10.0.0.1", "10.0.0.1:80-79", "10.0.0.1:0-5", "10.0.0.1:80-",
                               "10.0.0.1:80,", "10.0.0.1:65536", "::1:80", "*:1-600", "10.0.0.1:1-1025"}) {
    EXPECT_FALSE(parse_listen_addresses(bad)) << bad;
  }
}

TEST(ListenAddress, OverlapsWhereAConnectionCouldComeToBoth) {
  auto overlap = [](std::string_view a, std::string_view b) {
    return parse_listen_addresses(a)->front().overlaps(parse_listen_addresses(b)->front());
  };
  EXPECT_TRUE(overlap("10.0.0.1:80-90", "10.0.0.1:90-95"));
  EXPECT_TRUE(overlap("*:80", "0.0.0.0:80"));
  EXPECT_TRUE(overlap("*:80", "*:1-100"));
  EXPECT_FALSE(overlap("10.0.0.1:80-90", "10.0.0.1:91"));
  EXPECT_TRUE(overlap("0.0.0.0:80", "10.0.0.1:80"));
  EXPECT_TRUE(overlap("[::1]:80", "[::]:80"));
  EXPECT_TRUE(overlap("*:80", "10.0.0.1:80"));
  EXPECT_TRUE(overlap("[::1]:80", "*:80"));
  EXPECT_FALSE(overlap("*:80", "10.0.0.1:81"));
  EXPECT_FALSE(overlap("0.0.0.0:80", "[::]:80"));
  EXPECT_FALSE(overlap("0.0.0.0:80", "[::1]:80"));
}

}  // namespace
}  // namespace weir::config
