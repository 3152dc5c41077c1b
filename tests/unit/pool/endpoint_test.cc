#include "pool/endpoint.h"

#include "gtest/gtest.h"

#include "pool/endpoints.h"

namespace weir::pool {
namespace {

using std::chrono::milliseconds;

class EndpointTest : public testing::Test {
 protected:
  base::ManualClock clock_;
  Endpoint endpoint_{{"10.0.0.1", 80}};
};

TEST_F(EndpointTest, TwoFailuresInARowDoNotSuspendIt) {
  endpoint_.connect_failed(clock_.now());
  endpoint_.connect_failed(clock_.now());
  EXPECT_FALSE(endpoint_.is_suspended(clock_.now()));
}

TEST_F(EndpointTest, ThreeFailuresInARowSuspendItForASecond) {
  for (int i = 0; i < 3; ++i) endpoint_.connect_failed(clock_.now());
  EXPECT_TRUE(endpoint_.is_suspended(clock_.now()));
  clock_.advance(milliseconds(999));
  EXPECT_TRUE(endpoint_.is_suspended(clock_.now()));
  clock_.advance(milliseconds(1));
  EXPECT_FALSE(endpoint_.is_suspended(clock_.now()));
}

TEST_F(EndpointTest, AFailureAfterTheSuspensionSuspendsItAtOnceAgain) {
  for (int i = 0; i < 3; ++i) endpoint_.connect_failed(clock_.now());
  clock_.advance(milliseconds(2000));
  endpoint_.connect_failed(clock_.now());
  EXPECT_TRUE(endpoint_.is_suspended(clock_.now()));
}

TEST_F(EndpointTest, ASuccessEndsTheSuspensionAndTheRow) {
  for (int i = 0; i < 3; ++i) endpoint_.connect_failed(clock_.now());
  endpoint_.connected();
  EXPECT_FALSE(endpoint_.is_suspended(clock_.now()));
  endpoint_.connect_failed(clock_.now());
  EXPECT_FALSE(endpoint_.is_suspended(clock_.now()));
}

config::PoolTls tls(std::string config::PoolTls::* key, std::string value) {
  config::PoolTls settings;
  settings.*key = std::move(value);
  return settings;
}

std::shared_ptr<const EndpointProtocol> protocol(EndpointProtocol value) {
  return std::make_shared<const EndpointProtocol>(std::move(value));
}

TEST(Endpoints, TheSameIdentityIsTheSameEndpoint) {
  Endpoints endpoints;
  auto one = endpoints.get({"10.0.0.1", 80, protocol({.tls = tls(&config::PoolTls::sni, "a.example")})});
  auto two = endpoints.get({"10.0.0.1", 80, protocol({.tls = tls(&config::PoolTls::sni, "a.example")})});
  EXPECT_EQ(one, two);
  EXPECT_EQ(one->identity().host, "10.0.0.1");
  EXPECT_EQ(one->identity().port, 80);
  EXPECT_EQ(endpoints.size(), 1u);
}

TEST(Endpoints, WhateverDecidesHowAConnectionIsMadeMakesAnotherEndpoint) {
  Endpoints endpoints;
  config::PoolTls unverified;
  unverified.verify = false;
  const EndpointIdentity identities[] = {
      {"10.0.0.1", 80},
      {"10.0.0.1", 81},
      {"10.0.0.2", 80},
      {"10.0.0.1", 80, protocol({.transport = Transport::datagrams})},
      {"10.0.0.1", 80, protocol({.protocol = config::PoolProtocol::h2})},
      {"10.0.0.1", 80, protocol({.tls = config::PoolTls{}})},
      {"10.0.0.1", 80, protocol({.tls = unverified})},
      {"10.0.0.1", 80, protocol({.tls = tls(&config::PoolTls::sni, "a.example")})},
      {"10.0.0.1", 80, protocol({.tls = tls(&config::PoolTls::ca, "ca.pem")})},
      {"10.0.0.1", 80, protocol({.proxy_protocol = config::SendProxy::v2})},
      {"10.0.0.1", 80, protocol({.transparent = true})},
  };
  std::vector<std::shared_ptr<Endpoint>> all;
  for (const EndpointIdentity& identity : identities) {
    all.push_back(endpoints.get(identity));
    EXPECT_EQ(endpoints.size(), all.size());
  }
}

TEST(Endpoints, AnEndpointIsForgottenWithTheLastWhoUsesIt) {
  Endpoints endpoints;
  auto one = endpoints.get({"10.0.0.1", 80});
  auto two = endpoints.get({"10.0.0.2", 80});
  for (int i = 0; i < 3; ++i) one->connect_failed(base::now());
  endpoints.forget_unused();
  EXPECT_EQ(endpoints.size(), 2u);
  one.reset();
  endpoints.forget_unused();
  EXPECT_EQ(endpoints.size(), 1u);
  EXPECT_FALSE(endpoints.get({"10.0.0.1", 80})->is_suspended(base::now())) << "nothing is remembered of it";
  EXPECT_EQ(endpoints.get({"10.0.0.2", 80}), two);
}

}  // namespace
}  // namespace weir::pool
