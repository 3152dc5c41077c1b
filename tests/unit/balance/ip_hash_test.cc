#include "gtest/gtest.h"

#include "tests/unit/balance/picking.h"

namespace weir::balance {
namespace {

TEST(IpHash, KeepsAClientOnItsBackend) {
  pool::BackendSet set = set_of_size(7);
  Picker one("ip_hash", set);
  Picker other("ip_hash", set);
  for (std::uint64_t client = 0; client < 100; ++client) {
    EXPECT_EQ(one.pick(client), one.pick(client));
    EXPECT_EQ(one.pick(client), other.pick(client));
  }
}

TEST(IpHash, SpreadsNeighbouringAddresses) {
  pool::BackendSet set = set_of({1, 1, 1, 1});
  Picker picker("ip_hash", set);
  std::vector<int> counts(4);
  for (std::uint32_t i = 0; i < 4'000; ++i) {
    auto low = static_cast<std::uint8_t>(i);
    auto high = static_cast<std::uint8_t>(i >> 8);
    ++counts[picker.pick(base::IpAddress::v4({10, 0, high, low}).hash())];
  }
  for (int count : counts) EXPECT_NEAR(count, 1'000, 120);
}

TEST(IpHash, CountsABackendAsOftenAsItsWeight) {
  pool::BackendSet set = set_of({1, 3});
  Picker picker("ip_hash", set);
  int heavy = 0;
  for (std::uint64_t client = 0; client < 40'000; ++client) heavy += picker.pick(client) == 1;
  EXPECT_NEAR(heavy, 30'000, 400);
}

TEST(IpHash, GivesARetryOfOneClientAlwaysTheSameOtherBackend) {
  pool::BackendSet set = set_of_size(9);
  Picker picker("ip_hash", set);
  for (std::uint64_t client = 0; client < 100; ++client) {
    std::uint32_t home = picker.pick(client);
    std::uint32_t other = picker.pick_avoiding({home}, client);
    EXPECT_NE(other, home);
    EXPECT_EQ(picker.pick_avoiding({home}, client), other);
  }
}

}  // namespace
}  // namespace weir::balance
