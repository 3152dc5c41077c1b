// How a backend returns, as the tries of a pool see it.
#include "tests/unit/worker/passive_fixture.h"

namespace weir::worker {
namespace {

using TrialsTest = PassiveChecksTest;

TEST_F(TrialsTest, ATrialGoesByTheDetectorsThatAreOn) {
  PoolSnapshot pool;
  config::Passive passive;
  passive.consecutive_failures = 0;
  passive.error_rate.enabled = passive.success_rate.enabled = false;
  fill(pool, "shop", passive);
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool, get_);
  trial.begin(trial.pick(0));
  trial.end({.how = How::answered, .status = 503});
  EXPECT_EQ(phase(), Phase::in) << "a bad answer says nothing here";
}

TEST_F(TrialsTest, OneRequestIsTheTrialAndOthersGoElsewhere) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  EXPECT_EQ(trial.pick(0), 0u);
  trial.begin(0);
  EXPECT_EQ(picked(get_), 1u);
  trial.end({.how = How::answered, .status = 200});
  EXPECT_EQ(phase(), Phase::in);
  EXPECT_EQ(news_.at(0).kind, EjectionNews::Kind::returned);
  EXPECT_EQ(picked(get_), 0u);
}

TEST_F(TrialsTest, ATrialThatFailsEjectsForTwiceAsLong) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.end({.how = How::answered, .status = 503});
  EXPECT_EQ(phase(), Phase::ejected);
  EXPECT_EQ(news_.at(0).kind, EjectionNews::Kind::out_again);
  EXPECT_EQ(news_.at(0).detail, "its trial failed: status 503");
  base::Nanoseconds time = endpoint(pool_).ejection().when() - worker_.reactor.now();
  EXPECT_GE(time, milliseconds(1590));
  EXPECT_LE(time, milliseconds(2410));
}

TEST_F(TrialsTest, ATrialWhoseClientLeavesIsNone) {
  let_wait_for_trial();
  {
    BackendTries trial(worker_);
    trial.use(pool_, get_);
    trial.begin(trial.pick(0));
    trial.end({});
    EXPECT_EQ(phase(), Phase::half_open);
  }
  EXPECT_EQ(picked(get_), 0u);
  EXPECT_EQ(phase(), Phase::half_open) << "picked, and never begun";
}

TEST_F(TrialsTest, APostIsNoTrialInTheFirstSecond) {
  let_wait_for_trial();
  EXPECT_EQ(picked(post_), 1u);
  EXPECT_EQ(picked(get_), 0u);
  let_wait_for_trial(seconds(1));
  EXPECT_EQ(picked(post_), 0u);
}

TEST_F(TrialsTest, ATrialOverAStaleConnectionGoesOnWithItsRepetition) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  TryOutcome stale = TryOutcome::of(kReset);
  stale.stale = true;
  trial.end(stale);
  EXPECT_EQ(phase(), Phase::trial);
  trial.begin(0);
  trial.end({.how = How::answered, .status = 200});
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(TrialsTest, ATrialThatGoesElsewhereAfterAllIsNone) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  EXPECT_EQ(trial.pick(0), 0u);
  trial.begin(2);
  EXPECT_EQ(phase(), Phase::half_open);
}

TEST_F(TrialsTest, AResponseThatGoesOnForLongIsASuccessWithItsHeader) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.head_came(200, false);
  EXPECT_EQ(phase(), Phase::in);
  trial.end({.how = How::answered, .status = 200});
  EXPECT_EQ(news_.size(), 1u);
}

TEST_F(TrialsTest, AStreamOfGrpcIsGoodWhenNothingBadIsHeardForASecond) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.head_came(200, true);
  EXPECT_EQ(phase(), Phase::trial);
  EXPECT_FALSE(is_good_after(seconds(0)));
  EXPECT_TRUE(is_good_after(seconds(1)));
}

TEST_F(TrialsTest, ATcpTrialIsQuietFromItsConnectionOn) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, Carried::connection);
  trial.begin(trial.pick(0));
  EXPECT_FALSE(is_good_after(seconds(9)));
  trial.connected();
  EXPECT_TRUE(is_good_after(seconds(1)));
  trial.responded(milliseconds(1));
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(TrialsTest, ABackendOfTheListOfTrialsGetsOneRequestAndTheStrategyNothingOfIt) {
  hold_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  EXPECT_EQ(trial.pick(0), 2u) << "the first index beyond the strategy's set";
  trial.begin(2);
  EXPECT_EQ(&trial.backend(), pool_.trials[0].backend.get());
  EXPECT_EQ(picked(get_), 0u) << "81, which is in";
  trial.end({.how = How::answered, .status = 200});
  EXPECT_EQ(pool_.trials[0].endpoint->ejection().phase(), Phase::in);
  EXPECT_EQ(pool_.trials[0].backend->in_flight, 0u);
}

TEST_F(TrialsTest, ManyBackendsInTrialKeepNobodyFromOneThatIsIn) {
  pool_.eligible.clear();
  for (std::uint16_t port = 1000; port < 1050; ++port) {
    pool_.trials.push_back({.backend = std::make_shared<pool::Backend>("site", std::to_string(port), "10.0.0.1", port),
                            .endpoint = endpoints_.get({"10.0.0.1", port}),
                            .addresses = nullptr});
    pool_.ejected_by.emplace_back();
    pool::Endpoint& dead = *pool_.trials.back().endpoint;
    base::TimePoint now = worker_.reactor.now();
    EjectionState out = dead.ejection().ejected(now, now);
    ASSERT_TRUE(dead.change({}, out) && dead.change(out, out.half_open(now)));
    ASSERT_TRUE(dead.change(out.half_open(now), out.half_open(now).trial(now)));
  }
  pool_.eligible.push_back({.backend = std::make_shared<pool::Backend>("site", "good", "127.0.0.1", 80),
                            .endpoint = endpoints_.get({"127.0.0.1", 80}),
                            .addresses = nullptr});
  pool_.strategy = std::make_unique<InOrder>(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picked(get_), 0u);
}

TEST_F(TrialsTest, AHalfOpenBackendThatIsUsedForWantOfOthersTakesAllWork) {
  let_wait_for_trial();
  pool_.eligible[0].used_though_ejected = 1;
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  EXPECT_EQ(phase(), Phase::trial);
  EXPECT_EQ(picked(get_), 0u) << "beside the trial";
}

TEST_F(TrialsTest, ATrialOfWhichNothingIsHeardLetsOthersTryAndStillDecides) {
  let_wait_for_trial();
  BackendTries slow(worker_);
  slow.use(pool_, get_);
  slow.begin(slow.pick(0));
  EXPECT_FALSE(endpoint(pool_).after_patience(worker_.reactor.now() + milliseconds(4900)));
  auto after = endpoint(pool_).after_patience(worker_.reactor.now() + seconds(6));
  ASSERT_TRUE(after && after->phase() == Phase::half_open);
  ASSERT_TRUE(endpoint(pool_).change(endpoint(pool_).ejection(), *after));
  BackendTries other(worker_);
  other.use(pool_, get_);
  EXPECT_EQ(other.pick(0), slow.index());
  other.begin(0);
  slow.end({.how = How::answered, .status = 200});
  EXPECT_EQ(phase(), Phase::in);
  other.end(TryOutcome::of(kTimeout));
  EXPECT_EQ(endpoint(pool_).failed({}, 0).local, 1u) << "like a failure of any work";
}

TEST_F(TrialsTest, ACallThatIsSentIsGoodWhenNothingBadIsHeardForTheTimeOfATrial) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.call_was_sent();
  EXPECT_FALSE(endpoint(pool_).after_patience(worker_.reactor.now() + milliseconds(4900)));
  EXPECT_TRUE(is_good_after(seconds(6)));
}

TEST_F(TrialsTest, AFailureAfterTheTrialWasTakenForGoodCounts) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.head_came(200, true);
  EjectionState state = endpoint(pool_).ejection();
  ASSERT_TRUE(endpoint(pool_).change(state, state.in(worker_.reactor.now())));
  trial.end({.how = How::failed, .status = 200, .grpc_status = 13});
  EXPECT_EQ(endpoint(pool_).bad_answers(0), 1u);
}

TEST_F(TrialsTest, AStaleTrialSaysNothingOfAnotherOne) {
  let_wait_for_trial();
  BackendTries old(worker_);
  old.use(pool_, Carried::connection);
  old.begin(old.pick(0));
  let_wait_for_trial();  // ejected once more by an operator, and out of that
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  old.connected();
  EXPECT_FALSE(is_good_after(seconds(1)));
  old.end(TryOutcome::of(kReset));
  EXPECT_EQ(phase(), Phase::trial);
}

TEST_F(TrialsTest, ATrialFailsByTheRulesOfThePoolThatHasEjectedAsWell) {
  auto strict = pool_.config;
  PoolSnapshot shop;
  config::Passive lenient;
  lenient.failure.status_set = {};
  fill(shop, "shop", lenient);
  std::swap(pool_, shop);
  hold_for_trial();
  pool_.ejected_by[0] = strict;
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.head_came(503, false);
  trial.end({.how = How::answered, .status = 503});
  EXPECT_EQ(pool_.trials[0].endpoint->ejection().phase(), Phase::ejected);
  std::swap(pool_, shop);
}

TEST_F(TrialsTest, AConnectionThatFailsIsNoSuccessfulTrialWhereNoDetectorAsksForIt) {
  PoolSnapshot shop;
  config::Passive passive;
  passive.consecutive_local_failures = 0;
  passive.error_rate.enabled = passive.success_rate.enabled = false;
  fill(shop, "shop", passive);
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(shop, get_);
  trial.begin(trial.pick(0));
  trial.end(TryOutcome::of(kRefused));
  EXPECT_EQ(phase(), Phase::half_open);
}

}  // namespace
}  // namespace weir::worker
