#include "route/name_table.h"

#include <gtest/gtest.h>

namespace weir::route {
namespace {

config::Route route(std::vector<std::string> hosts, std::vector<std::string> alpn = {}, std::string client = "") {
  config::Route made;
  made.match.host = std::move(hosts);
  made.match.alpn = std::move(alpn);
  if (!client.empty()) made.match.client = {*base::Cidr::parse(client)};
  return made;
}

class NameTableTest : public testing::Test {
 protected:
  std::uint32_t find(std::string_view name, std::vector<std::string> alpn = {}) {
    return NameTable(listener_).find(name, alpn, *base::IpAddress::parse("10.0.0.1"));
  }
  config::Listener listener_;
};

TEST_F(NameTableTest, PrefersTheExactNameThenTheLongestBelow) {
  listener_.routes = {route({"*.example.com"}), route({"a.example.com"}), route({"*.b.example.com"}), route({})};
  EXPECT_EQ(find("a.example.com"), 1u);
  EXPECT_EQ(find("x.example.com"), 0u);
  EXPECT_EQ(find("x.y.example.com"), 0u);
  EXPECT_EQ(find("x.b.example.com"), 2u);
  EXPECT_EQ(find("example.com"), 3u);
  EXPECT_EQ(find(""), 3u);
}

TEST_F(NameTableTest, AsksForProtocolsAndAddresses) {
  listener_.routes = {route({"a.example"}, {"h2", "h3"}), route({"A.example"}, {}, "192.0.2.0/24"),
                      route({"a.example"}), route({}, {"acme-tls/1"})};
  EXPECT_EQ(find("a.example", {"http/1.1", "h2"}), 0u);
  EXPECT_EQ(find("a.example", {"http/1.1"}), 2u);
  EXPECT_EQ(find("b.example", {"acme-tls/1"}), 3u);
  EXPECT_EQ(find("b.example"), kNoRoute);
}

}  // namespace
}  // namespace weir::route
