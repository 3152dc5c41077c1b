// What ejects a backend, as the tries of a pool see it.
#include "tests/unit/worker/passive_fixture.h"

namespace weir::worker {
namespace {

TEST_F(PassiveChecksTest, FiveBadStatusesInARowEject) {
  for (int i = 0; i < 4; ++i) answer(503);
  EXPECT_EQ(phase(), Phase::in);
  answer(500);
  EXPECT_EQ(phase(), Phase::ejected);
  ASSERT_EQ(news_.size(), 1u);
  EXPECT_EQ(news_[0].kind, EjectionNews::Kind::ejected);
  EXPECT_EQ(news_[0].reason, EjectionReason::status);
  EXPECT_EQ(news_[0].detail, "5 failures in a row, the last: status 500");
  EXPECT_EQ(news_[0].state, endpoint(pool_).ejection());
  EXPECT_EQ(news_[0].pool, pool_.config);
  EXPECT_EQ(pool_.runtime->ejections.taken(), 1u);
}

TEST_F(PassiveChecksTest, ASuccessEndsTheRow) {
  for (int i = 0; i < 4; ++i) answer(503);
  answer(404);
  for (int i = 0; i < 4; ++i) answer(503);
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(PassiveChecksTest, TwoRefusedConnectionsEject) {
  fail(kRefused);
  EXPECT_EQ(phase(), Phase::in);
  fail(kRefused);
  EXPECT_EQ(phase(), Phase::ejected);
  EXPECT_EQ(news_.at(0).reason, EjectionReason::connect);
  EXPECT_EQ(news_.at(0).detail, "2 failures in a row, the last: connect: Connection refused");
}

TEST_F(PassiveChecksTest, TwoNewConnectionsThatEndBeforeTheFirstByteEject) {
  TryOutcome reset = TryOutcome::of(kReset);
  reset.fresh = true;
  request(reset);
  request(reset);
  EXPECT_EQ(phase(), Phase::ejected);
  EXPECT_EQ(news_.at(0).reason, EjectionReason::reset);
}

TEST_F(PassiveChecksTest, ThreeTimeoutsEject) {
  fail(kTimeout);
  fail(kTimeout);
  EXPECT_EQ(phase(), Phase::in);
  fail(kTimeout);
  EXPECT_EQ(phase(), Phase::ejected);
  EXPECT_EQ(news_.at(0).reason, EjectionReason::timeout);
}

TEST_F(PassiveChecksTest, ConnectionsThatWereClosedWhileIdleCountNothing) {
  TryOutcome stale = TryOutcome::of(kReset);
  stale.stale = true;
  for (int i = 0; i < 9; ++i) request(stale);
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(PassiveChecksTest, ADetectorThatIsOffCountsNothing) {
  PoolSnapshot pool;
  config::Passive passive;
  passive.consecutive_failures = 0;
  fill(pool, "shop", passive);
  for (int i = 0; i < 9; ++i) {
    BackendTries tries(worker_);
    tries.use(pool, get_);
    tries.begin(0);
    tries.end({.how = How::answered, .status = 503});
  }
  EXPECT_EQ(phase(), Phase::in);
}

TEST_F(PassiveChecksTest, PicksPassOverWhatIsEjectedInEveryPoolThatHasIt) {
  PoolSnapshot shop, unchecked;
  fill(shop, "shop", {});
  config::Passive off;
  off.enabled = false;
  fill(unchecked, "unchecked", off);
  for (int i = 0; i < 2; ++i) fail(kRefused);
  EXPECT_EQ(picked(get_), 1u);
  BackendTries of_shop(worker_), of_unchecked(worker_);
  of_shop.use(shop, get_);
  of_unchecked.use(unchecked, get_);
  EXPECT_EQ(of_shop.pick(0), 1u);
  EXPECT_EQ(of_unchecked.pick(0), 0u) << "a pool without passive checks";
}

TEST_F(PassiveChecksTest, ASetThatWasMadeWithTheEjectionUsesTheBackend) {
  for (int i = 0; i < 2; ++i) fail(kRefused);
  pool_.eligible[0].used_though_ejected = endpoint(pool_).ejection().serial();
  EXPECT_EQ(picked(get_), 0u);
}

TEST_F(PassiveChecksTest, WhatIsEjectedIsUsedWhenNothingElseIsLeft) {
  pool_.eligible.resize(1);
  pool_.strategy = std::make_unique<InOrder>(1);
  for (int i = 0; i < 2; ++i) fail(kRefused);
  EXPECT_EQ(picked(get_), 0u);
}

TEST_F(PassiveChecksTest, ThePoolsLimitPreventsAnEjection) {
  pool_.runtime->ejections.set_limit(0);
  for (int i = 0; i < 10; ++i) answer(503);
  EXPECT_EQ(phase(), Phase::in);
  EXPECT_EQ(pool_.runtime->ejections.prevented(EjectionReason::status), 2u) << "once for each row";
  EXPECT_TRUE(news_.empty());
}

TEST_F(PassiveChecksTest, FailuresOfWorkThatBeganBeforeTheEjectionAddNothing) {
  BackendTries late(worker_);
  late.use(pool_, get_);
  late.begin(0);
  for (int i = 0; i < 2; ++i) fail(kRefused);
  EjectionState out = endpoint(pool_).ejection();
  late.end(TryOutcome::of(kReset));
  EXPECT_EQ(endpoint(pool_).ejection(), out);
  EXPECT_EQ(endpoint(pool_).failed({}, 0).local, 0u);
}

TEST_F(PassiveChecksTest, TcpConnectionsAreGoodWithTheirFirstByteAndBadWithoutOne) {
  auto reset = [this](bool after_first_byte) {
    BackendTries tries(worker_);
    tries.use(pool_, Carried::connection);
    tries.begin(0);
    tries.connected();
    if (after_first_byte) tries.responded(milliseconds(1));
    tries.end(TryOutcome::of(kReset));
  };
  reset(false);
  reset(true);
  reset(true);
  reset(false);
  EXPECT_EQ(phase(), Phase::in);
  reset(false);
  EXPECT_EQ(phase(), Phase::in) << "its client may have said what nobody understands";
  reset(false);
  EXPECT_EQ(phase(), Phase::ejected);
}

TEST_F(PassiveChecksTest, WhatTakesNoNewWorkIsNotEjected) {
  for (pool::BackendState state : {pool::BackendState::draining, pool::BackendState::disabled}) {
    pool_.eligible[0].backend->state = state;
    for (int i = 0; i < 9; ++i) answer(503);
    EXPECT_EQ(phase(), Phase::in);
  }
  EXPECT_EQ(pool_.runtime->ejections.taken(), 0u);
}

TEST_F(PassiveChecksTest, APlaceIsGivenBackWhereNoMessageTellsOfIt) {
  services_.ejection = [](const EjectionNews&) { throw std::bad_alloc(); };
  for (int i = 0; i < 5; ++i) answer(503);
  EXPECT_EQ(phase(), Phase::ejected);
  EXPECT_EQ(pool_.runtime->ejections.taken(), 0u) << "the control thread takes one when it finds out";
}

TEST_F(PassiveChecksTest, NobodyIsEjectedByBadAnswersThatMostOthersGiveAsWell) {
  for (std::size_t other : {1, 2}) endpoint(pool_, other).failed({.external = 3}, 0);
  for (int i = 0; i < 5; ++i) answer(503);
  EXPECT_EQ(phase(), Phase::in);
  EXPECT_EQ(pool_.runtime->ejections.prevented(EjectionReason::status), 1u);
  endpoint(pool_, 1).succeeded(0);
  answer(503);
  EXPECT_EQ(phase(), Phase::ejected) << "one of two others is fine";
}

TEST_F(PassiveChecksTest, ASuccessByOtherRulesEndsNoRowOfBadAnswers) {
  PoolSnapshot shop;
  config::Passive lenient;
  lenient.failure = {};
  lenient.failure.status_set = {};
  fill(shop, "shop", lenient);
  shop.failure_rules = 7;
  for (int i = 0; i < 4; ++i) answer(503);
  BackendTries tries(worker_);
  tries.use(shop, get_);
  tries.begin(0);
  tries.end({.how = How::answered, .status = 503});
  answer(503);
  EXPECT_EQ(phase(), Phase::ejected);
}

// Keeps every client at the first backend.
class AtTheFirst final : public persist::Method {
 public:
  persist::Match find(const persist::Client&) const override { return {.index = 0}; }
  std::string_view chosen(const persist::Client&, std::uint32_t, base::Arena&) const override { return {}; }
  std::string known_by() const override { return "nothing"; }
};

TEST_F(PassiveChecksTest, StickyClientsLeaveABackendThatIsEjected) {
  pool_.method = std::make_unique<AtTheFirst>();
  auto picked_for_client = [this] {
    BackendTries tries(worker_);
    tries.use(pool_, Carried::connection);
    return tries.pick_for_client(0);
  };
  EXPECT_EQ(picked_for_client(), 0u);
  for (int i = 0; i < 2; ++i) fail(kRefused);
  EXPECT_EQ(picked_for_client(), 1u);
}

TEST_F(PassiveChecksTest, TrafficIsCountedForTheComparisonOfBackends) {
  for (int i = 0; i < 3; ++i) answer(200);
  answer(503);
  pool::TrafficCounts counts = pool_.eligible[0].backend->traffic.sum();
  EXPECT_EQ(counts.succeeded, 3u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.latency[pool::LatencyScale::cell(3'000'000)], 3u) << "the backend's own, of those that succeeded";
}

}  // namespace
}  // namespace weir::worker
