#include "pool/addresses.h"

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

using namespace std::chrono_literals;

constexpr base::TimePoint kStart{1000s};

base::IpAddress ip(int last) { return *base::IpAddress::parse("10.0.0." + std::to_string(last)); }

Addresses addresses(int count) {
  Addresses all;
  for (int i = 0; i < count; ++i) all.push_back({.ip = ip(i), .port = 80});
  return all;
}

std::vector<base::IpAddress> order(const Addresses& all, std::uint32_t first, const FailedAddresses& failed,
                                   base::TimePoint now = kStart) {
  AddressRound round(all, first, failed, now);
  std::vector<base::IpAddress> given;
  while (const base::SocketAddress* next = round.next(all)) {
    EXPECT_EQ(*next, round.present(all));
    given.push_back(next->ip);
  }
  return given;
}

TEST(AddressRound, GivesEveryAddressOnceFromItsFirst) {
  FailedAddresses none;
  EXPECT_EQ(order(addresses(3), 4, none), (std::vector{ip(1), ip(2), ip(0)}));
  EXPECT_EQ(order(addresses(1), 7, none), std::vector{ip(0)});
  EXPECT_EQ(order(addresses(100), 99, none).size(), 100u);
  EXPECT_TRUE(order({}, 1, none).empty());
}

TEST(AddressRound, GivesTheOnesThatFailedBehindAllOthers) {
  FailedAddresses failed;
  EXPECT_TRUE(failed.add(ip(1), kStart));
  EXPECT_EQ(order(addresses(3), 1, failed), (std::vector{ip(2), ip(0), ip(1)}));
  for (int i = 0; i < 3; ++i) failed.add(ip(i), kStart);
  EXPECT_EQ(order(addresses(3), 1, failed), (std::vector{ip(1), ip(2), ip(0)})) << "all alike: in their turn";
}

TEST(AddressRound, IsNotChangedByWhatFailsMeanwhile) {
  FailedAddresses failed;
  Addresses all = addresses(2);
  AddressRound round(all, 0, failed, kStart);
  EXPECT_EQ(round.next(all)->ip, ip(0));
  failed.add(ip(0), kStart);
  EXPECT_EQ(round.next(all)->ip, ip(1));
  EXPECT_EQ(round.next(all), nullptr);
}

TEST(FailedAddresses, AreForgottenAfterAWhileAndAtOnceWhenTheyWork) {
  FailedAddresses failed;
  EXPECT_TRUE(failed.add(ip(1), kStart));
  EXPECT_FALSE(failed.add(ip(1), kStart + 20s)) << "known, for another while from now";
  EXPECT_TRUE(failed.contains(ip(1), kStart + 45s));
  EXPECT_FALSE(failed.contains(ip(1), kStart + 52s));
  EXPECT_FALSE(failed.contains(ip(2), kStart));
  failed.add(ip(1), kStart);
  EXPECT_TRUE(failed.remove(ip(1)));
  EXPECT_FALSE(failed.remove(ip(1)));
  EXPECT_FALSE(failed.contains(ip(1), kStart));
}

TEST(FailedAddresses, AreBoundedAndGiveTheirPlacesToLaterOnes) {
  FailedAddresses failed;
  for (int i = 0; i < 20; ++i) failed.add(ip(i), kStart);
  EXPECT_TRUE(failed.contains(ip(0), kStart));
  EXPECT_FALSE(failed.contains(ip(19), kStart));
  EXPECT_TRUE(failed.add(ip(19), kStart + 60s));
  EXPECT_TRUE(failed.contains(ip(19), kStart + 60s));
}

}  // namespace
}  // namespace weir::pool
