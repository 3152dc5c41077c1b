#include "tls/handshake_limit.h"

#include <gtest/gtest.h>

namespace weir::tls {
namespace {

base::IpAddress ip(std::string_view text) { return *base::IpAddress::parse(text); }

TEST(HandshakeLimit, AdmitsABurstAndThenTheRate) {
  HandshakeLimit limit(2);
  base::TimePoint now(std::chrono::hours(1));
  int admitted = 0;
  for (int i = 0; i < 50; ++i) admitted += limit.admit(ip("10.0.0.1"), now);
  EXPECT_EQ(admitted, 10);
  admitted = 0;
  for (int i = 0; i < 50; ++i) admitted += limit.admit(ip("10.0.0.1"), now + std::chrono::seconds(3));
  EXPECT_EQ(admitted, 6);
  EXPECT_TRUE(limit.admit(ip("10.0.0.2"), now));
}

TEST(HandshakeLimit, CountsAnIpv6NetworkAsOneClient) {
  HandshakeLimit limit(1);
  base::TimePoint now(std::chrono::hours(1));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.admit(ip("2001:db8::1"), now));
  EXPECT_FALSE(limit.admit(ip("2001:db8::2"), now));
  EXPECT_TRUE(limit.admit(ip("2001:db8:0:1::2"), now));
}

}  // namespace
}  // namespace weir::tls
