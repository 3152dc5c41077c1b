#include "pool/endpoint.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "base/random.h"
#include "pool/ejection_quota.h"
#include "pool/endpoints.h"

namespace weir::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = EjectionState::Phase;

constexpr std::uint32_t kRules = 1, kOtherRules = 2;

class EndpointTest : public testing::Test {
 protected:
  // Ejected, and its time over.
  void let_wait_for_trial() {
    EjectionState in = endpoint_.ejection();
    EjectionState out = in.ejected(clock_.now(), clock_.now() + seconds(1));
    clock_.advance(seconds(1));
    ASSERT_TRUE(endpoint_.change(in, out) && endpoint_.change(out, out.half_open(clock_.now())));
  }
  Phase phase() const { return endpoint_.ejection().phase(); }

  base::ManualClock clock_;
  Endpoint endpoint_{{"10.0.0.1", 80}};
};

TEST_F(EndpointTest, ASuccessEndsBothRowsOfFailures) {
  endpoint_.failed({.external = 1}, kRules);
  FailureRow row = endpoint_.failed({.local = 1, .crashes = 1}, kRules);
  EXPECT_EQ(row.external, 1u);
  EXPECT_EQ(row.local, 1u);
  EXPECT_EQ(row.crashes, 1u);
  endpoint_.succeeded(kRules);
  row = endpoint_.failed({.external = 1}, kRules);
  EXPECT_EQ(row.external, 1u);
  EXPECT_EQ(row.local, 0u);
}

TEST_F(EndpointTest, RowsStopAtTheirEndInsteadOfBeginningAnew) {
  for (int i = 0; i < 5000; ++i) endpoint_.failed({.external = 1, .local = 1, .crashes = 1}, kRules);
  FailureRow row = endpoint_.failed({.external = 1}, kRules);
  EXPECT_EQ(row.external, 4095u);
  EXPECT_EQ(row.local, 4095u);
  EXPECT_EQ(row.crashes, 255u);
}

TEST_F(EndpointTest, AChangeFromAnotherStateThanThePresentOneFails) {
  EjectionState in = endpoint_.ejection();
  EjectionState out = in.ejected(clock_.now(), clock_.now() + seconds(1));
  EXPECT_TRUE(endpoint_.change(in, out));
  EXPECT_FALSE(endpoint_.change(in, out));
  EXPECT_EQ(endpoint_.ejection(), out);
}

TEST_F(EndpointTest, OneRequestOfSeveralIsTheTrial) {
  let_wait_for_trial();
  Trial first, second;
  EXPECT_TRUE(first.begin(endpoint_, true, clock_.now()));
  EXPECT_FALSE(second.begin(endpoint_, true, clock_.now()));
  EXPECT_EQ(phase(), Phase::trial);
}

TEST_F(EndpointTest, ATrialThatSucceedsBringsItIn) {
  let_wait_for_trial();
  Trial trial;
  ASSERT_TRUE(trial.begin(endpoint_, true, clock_.now()));
  EXPECT_TRUE(trial.succeed(clock_.now()));
  EXPECT_EQ(phase(), Phase::in);
  EXPECT_FALSE(trial.fail(clock_.now(), clock_.now())) << "one outcome";
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(EndpointTest, ATrialThatFailsEjectsItOnceMore) {
  let_wait_for_trial();
  Trial trial;
  ASSERT_TRUE(trial.begin(endpoint_, true, clock_.now()));
  auto after = trial.fail(clock_.now(), clock_.now() + seconds(2));
  ASSERT_TRUE(after);
  EXPECT_EQ(endpoint_.ejection(), *after);
  EXPECT_EQ(after->phase(), Phase::ejected);
  EXPECT_EQ(after->count(clock_.now()), 2u);
}

TEST_F(EndpointTest, ATrialThatIsForgottenLeavesItWaitingForAnother) {
  let_wait_for_trial();
  {
    Trial trial;
    ASSERT_TRUE(trial.begin(endpoint_, true, clock_.now()));
    Trial moved = std::move(trial);
    EXPECT_FALSE(trial.is_under_way());
    EXPECT_EQ(phase(), Phase::trial);
  }
  EXPECT_EQ(phase(), Phase::half_open);
}

TEST_F(EndpointTest, OnlyWhatMayBeDoneTwiceIsATrialInTheFirstSecond) {
  let_wait_for_trial();
  Trial trial;
  clock_.advance(milliseconds(999));
  EXPECT_FALSE(trial.begin(endpoint_, false, clock_.now()));
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(trial.begin(endpoint_, false, clock_.now()));
}

TEST_F(EndpointTest, AnOperatorIsNotOverruledByATrialUnderWay) {
  let_wait_for_trial();
  Trial trial;
  ASSERT_TRUE(trial.begin(endpoint_, true, clock_.now()));
  EjectionState before = endpoint_.ejection();
  ASSERT_TRUE(endpoint_.change(before, before.readmitted(clock_.now())));
  EXPECT_FALSE(trial.fail(clock_.now(), clock_.now() + seconds(2)));
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(EndpointTest, RowsOfBadAnswersAreByOneSetOfRules) {
  endpoint_.failed({.external = 1, .local = 1}, kRules);
  endpoint_.succeeded(kOtherRules);
  EXPECT_EQ(endpoint_.bad_answers(kRules), 1u) << "what is fine for another pool";
  EXPECT_EQ(endpoint_.bad_answers(kOtherRules), 0u);
  FailureRow row = endpoint_.failed({.local = 1}, kOtherRules);
  EXPECT_EQ(row.local, 1u) << "a connection is good for all";
  EXPECT_EQ(row.external, 1u);
  EXPECT_EQ(endpoint_.failed({.external = 1}, kOtherRules).external, 1u) << "a row of its own";
  endpoint_.succeeded(kOtherRules);
  EXPECT_EQ(endpoint_.failed({}, kOtherRules).external, 0u);
}

TEST_F(EndpointTest, AQuietTrialIsGoodAfterItsTime) {
  let_wait_for_trial();
  Trial trial;
  ASSERT_TRUE(trial.begin(endpoint_, true, clock_.now()));
  EjectionState first = endpoint_.ejection();
  trial.is_good_at(clock_.now() + seconds(6));
  EXPECT_FALSE(endpoint_.after_patience(clock_.now() + milliseconds(5999)));
  EXPECT_TRUE(endpoint_.after_patience(clock_.now() + seconds(6))->is_in());
  trial.abandon();
  ASSERT_TRUE(trial.begin(endpoint_, true, clock_.now()));
  endpoint_.trial_is_good_at(clock_.now(), first);
  EXPECT_FALSE(endpoint_.after_patience(clock_.now() + seconds(1))) << "that was another trial";
}

TEST_F(EndpointTest, AfterSomePatienceWithATrialThereMayBeAnother) {
  let_wait_for_trial();
  Trial slow, second;
  ASSERT_TRUE(slow.begin(endpoint_, true, clock_.now()));
  EXPECT_FALSE(endpoint_.after_patience(clock_.now() + milliseconds(4999)));
  clock_.advance(seconds(5));
  auto after = endpoint_.after_patience(clock_.now());
  ASSERT_TRUE(after && endpoint_.change(endpoint_.ejection(), *after));
  ASSERT_TRUE(second.begin(endpoint_, false, clock_.now()));
  ASSERT_TRUE(slow.fail(clock_.now(), clock_.now() + seconds(2))) << "it decides for both";
  EXPECT_EQ(phase(), Phase::ejected);
  EXPECT_FALSE(second.succeed(clock_.now()));
  EXPECT_EQ(phase(), Phase::ejected);
}

TEST_F(EndpointTest, ATrialOfAnEarlierEjectionDecidesNothing) {
  let_wait_for_trial();
  Trial old;
  ASSERT_TRUE(old.begin(endpoint_, true, clock_.now()));
  let_wait_for_trial();
  EXPECT_FALSE(old.succeed(clock_.now()));
  EXPECT_EQ(phase(), Phase::half_open);
}

// Under ThreadSanitizer as well. Every trial ends in one way, and every ejection has one author.
TEST(Endpoint, KeepsToItsStatesWhileManyThreadsChangeIt) {
  constexpr int kThreads = 4, kRounds = 20'000;
  Endpoint endpoint{{"10.0.0.1", 80}};
  EjectionQuota quota;
  quota.set_limit(1);
  std::atomic<int> ejections{0}, returns{0}, tried{0}, failed{0}, at_once{0};
  auto work = [&](int seed) {
    base::ManualClock clock;
    base::Random random(static_cast<std::uint64_t>(seed));
    for (int round = 0; round < kRounds; ++round) {
      EjectionState state = endpoint.ejection();
      if (state.is_in() && endpoint.failed({.external = 1}, kRules).external >= 3) {
        if (!quota.take(EjectionReason::status)) continue;
        bool is_ours = endpoint.change(state, state.ejected(clock.now(), clock.now()));
        if (is_ours) ++ejections;
        if (!is_ours) quota.give_back();
      } else if (state.phase() == Phase::ejected) {
        endpoint.change(state, state.half_open(clock.now()));
      } else if (Trial trial; trial.begin(endpoint, true, clock.now())) {
        EXPECT_EQ(++at_once, 1);
        ++tried;
        --at_once;
        std::uint64_t end = random.below(3);
        if (end == 0 && trial.succeed(clock.now())) ++returns, quota.give_back();
        if (end == 1 && trial.fail(clock.now(), clock.now())) ++failed;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ejections - returns, endpoint.ejection().is_in() ? 0 : 1);
  EXPECT_EQ(quota.taken(), endpoint.ejection().is_in() ? 0u : 1u);
  EXPECT_GT(returns, 0);
  EXPECT_GT(failed, 0);
  EXPECT_GE(tried, returns + failed);
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
  one->failed({.external = 1}, kRules);
  endpoints.forget_unused();
  EXPECT_EQ(endpoints.size(), 2u);
  one.reset();
  endpoints.forget_unused();
  EXPECT_EQ(endpoints.size(), 1u);
  EXPECT_EQ(endpoints.get({"10.0.0.1", 80})->failed({}, kRules).external, 0u) << "nothing is remembered of it";
  EXPECT_EQ(endpoints.get({"10.0.0.2", 80}), two);
}

}  // namespace
}  // namespace weir::pool
