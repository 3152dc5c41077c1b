#include "worker/admission.h"

#include <gtest/gtest.h>

namespace weir::worker {
namespace {

using std::chrono::milliseconds;

base::IpAddress ip(std::string_view text) { return *base::IpAddress::parse(text); }

class AdmissionTest : public testing::Test {
 protected:
  Refusal admit(std::string_view client) {
    Counted counted = Counted::no;
    Refusal verdict = admission_.admit(listener_, ip(client), now_, counted);
    counted_ += counted != Counted::no ? 1 : 0;
    last_ = counted;
    return verdict;
  }
  Admission admission_;
  config::Listener listener_;
  base::TimePoint now_{std::chrono::hours(1)};
  int counted_ = 0;
  Counted last_ = Counted::no;
};

TEST_F(AdmissionTest, DeniesWhatIsDeniedAndWhatIsNotAllowed) {
  listener_.allow = {*base::Cidr::parse("10.0.0.0/8"), *base::Cidr::parse("2001:db8::/32")};
  listener_.deny = {*base::Cidr::parse("10.1.0.0/16")};
  EXPECT_EQ(admit("10.0.0.1"), Refusal::none);
  EXPECT_EQ(admit("2001:db8::1"), Refusal::none);
  EXPECT_EQ(admit("10.1.0.1"), Refusal::denied);
  EXPECT_EQ(admit("192.0.2.1"), Refusal::denied);
}

TEST_F(AdmissionTest, LimitsTheConnectionsOfOneClientAtATime) {
  listener_.limits.connections_per_client = 2;
  EXPECT_EQ(admit("10.0.0.1"), Refusal::none);
  EXPECT_EQ(admit("10.0.0.1"), Refusal::none);
  EXPECT_EQ(admit("10.0.0.1"), Refusal::client_connections);
  EXPECT_EQ(admit("10.0.0.2"), Refusal::none);
  EXPECT_EQ(counted_, 3);
  admission_.leave(ip("10.0.0.1"), Counted::own);
  EXPECT_EQ(admit("10.0.0.1"), Refusal::none);
}

TEST_F(AdmissionTest, TakesAddressesOfOneIpv6SubscriberForOneClient) {
  listener_.limits.connections_per_client = 1;
  EXPECT_EQ(admit("2001:db8:1:2::1"), Refusal::none);
  EXPECT_EQ(admit("2001:db8:1:2:ffff::9"), Refusal::client_connections);
  EXPECT_EQ(admit("2001:db8:1:3::1"), Refusal::none);
}

TEST_F(AdmissionTest, LimitsNewConnectionsOfAClientEachSecond) {
  listener_.limits.client_connection_rate = 5;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(admit("10.0.0.1"), Refusal::none) << i;
  EXPECT_EQ(admit("10.0.0.1"), Refusal::client_rate);
  EXPECT_EQ(admit("10.0.0.2"), Refusal::none);
  now_ += milliseconds(200);
  EXPECT_EQ(admit("10.0.0.1"), Refusal::none);
  EXPECT_EQ(admit("10.0.0.1"), Refusal::client_rate);
}

TEST_F(AdmissionTest, LimitsNewConnectionsOfTheListenerEachSecond) {
  listener_.limits.connection_rate = 10;
  int admitted = 0;
  for (int i = 0; i < 30; ++i) admitted += admit("10.0.0." + std::to_string(i)) == Refusal::none ? 1 : 0;
  EXPECT_EQ(admitted, 10);
  now_ += milliseconds(1000);
  for (int i = 0; i < 30; ++i) admitted += admit("10.0.0." + std::to_string(i)) == Refusal::none ? 1 : 0;
  EXPECT_EQ(admitted, 20);
}

TEST_F(AdmissionTest, ForgetsClientsWithoutConnectionsFirstAndStaysBounded) {
  listener_.limits.connections_per_client = 1;
  EXPECT_EQ(admit("192.0.2.1"), Refusal::none);
  for (int i = 0; i < 200'000; ++i) {
    std::string client =
        "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
    ASSERT_EQ(admit(client), Refusal::none);
    admission_.leave(ip(client), last_);
  }
  EXPECT_EQ(admit("192.0.2.1"), Refusal::client_connections);
}

TEST_F(AdmissionTest, AFullTableLimitsClientsTogetherInsteadOfNotAtAll) {
  listener_.limits.connections_per_client = 2;
  // Far more clients than there are places, none of which goes.
  std::vector<std::pair<std::string, Counted>> shared;
  int refused = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string client = "2001:db8:" + std::to_string(i % 10'000) + ":" + std::to_string(i / 10'000) + "::1";
    Refusal verdict = admit(client);
    if (verdict == Refusal::none && last_ == Counted::shared) shared.emplace_back(client, last_);
    if (verdict == Refusal::none) continue;
    ASSERT_EQ(verdict, Refusal::client_table);
    ++refused;
  }
  EXPECT_GT(refused, 60'000);
  ASSERT_FALSE(shared.empty());
  // The place that one of them gives back is the next one's.
  const auto& [client, counted] = shared.front();
  EXPECT_EQ(admit(client), Refusal::client_table);
  admission_.leave(ip(client), counted);
  EXPECT_EQ(admit(client), Refusal::none);
}

}  // namespace
}  // namespace weir::worker
