// Passive checks as the tries of a pool see them.
#include <algorithm>
#include <cerrno>
#include <thread>

#include "gtest/gtest.h"

#include "http/message.h"
#include "pool/endpoints.h"
#include "worker/backend_tries.h"

namespace weir::worker {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;
using pool::EjectionReason;
using pool::EjectionState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = EjectionState::Phase;
using How = TryOutcome::How;

constexpr Error kRefused{.code = ErrorCode::refused,
                         .side = Side::backend,
                         .retry_helps = true,
                         .os_error = ECONNREFUSED,
                         .what = "connect"};
constexpr Error kReset{.code = ErrorCode::reset, .side = Side::backend, .what = "read"};
constexpr Error kTimeout{.code = ErrorCode::timeout, .side = Side::backend, .what = "no response"};

// Picks the first backend that is not to be avoided.
class InOrder final : public balance::Strategy {
 public:
  explicit InOrder(std::size_t backends) : backends_(backends) {}
  std::uint32_t pick(const balance::PickContext& context) override {
    for (std::uint32_t index = 0; index < backends_; ++index) {
      if (std::ranges::find(context.avoid, index) == context.avoid.end()) return index;
    }
    return 0;
  }

 private:
  std::size_t backends_;
};

class PassiveChecksTest : public testing::Test {
 protected:
  PassiveChecksTest() {
    services_.registry = &registry_;
    services_.ejection = [this](EjectionNews news) { news_.push_back(std::move(news)); };
    worker_.reactor.adopt_thread();
    fill(pool_, "site", {});
    get_.method = "GET";
    post_.method = "POST";
  }
  void fill(PoolSnapshot& pool, const std::string& name, config::Passive passive) {
    auto config = std::make_shared<config::Pool>();
    config->name = name;
    config->passive = passive;
    pool.config = std::move(config);
    pool.runtime = std::make_shared<PoolRuntime>(name, 1, registry_);
    pool.runtime->ejections.set_limit(2);
    for (std::uint16_t port : {80, 81, 82}) {
      pool.eligible.push_back(
          {.backend = std::make_shared<pool::Backend>(name, std::to_string(port), "127.0.0.1", port),
           .endpoint = endpoints_.get({"127.0.0.1", port}),
           .addresses = nullptr});
      pool.eligible.back().backend->traffic.keep(1);
    }
    pool.strategy = std::make_unique<InOrder>(pool.eligible.size());
  }
  // The outcome of one try on the first backend.
  void request(const TryOutcome& outcome, bool connects = true) {
    BackendTries tries(worker_);
    tries.use(pool_, get_);
    tries.begin(0);
    if (!connects) tries.connect_failed(outcome.error);
    tries.end(outcome);
  }
  void answer(std::uint16_t status) {
    request({.how = How::answered, .status = status, .latency = milliseconds(9), .backend_time = milliseconds(3)});
  }
  void fail(const Error& error) { request(TryOutcome::of(error), error.code != ErrorCode::refused); }
  std::uint32_t picked(const http::RequestHead& request) {
    BackendTries tries(worker_);
    tries.use(pool_, request);
    return tries.pick(0);
  }
  pool::Endpoint& endpoint(PoolSnapshot& pool, std::size_t index = 0) { return *pool.eligible[index].endpoint; }
  Phase phase() { return endpoint(pool_).ejection().phase(); }
  // Its time is over since `ago`, as the control thread would have it.
  void let_wait_for_trial(base::Nanoseconds ago = base::Nanoseconds(0)) {
    base::TimePoint now = worker_.reactor.now();
    EjectionState before = endpoint(pool_).ejection(), out = before.ejected(now, now);
    ASSERT_TRUE(endpoint(pool_).change(before, out));
    ASSERT_TRUE(endpoint(pool_).change(out, out.half_open(now - ago)));
  }

  metrics::Registry registry_{1};
  pool::Endpoints endpoints_;
  Services services_;
  Worker worker_{0, services_};
  PoolSnapshot pool_;
  http::RequestHead get_, post_;
  std::vector<EjectionNews> news_;
};

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
  EXPECT_EQ(news_[0].pool, "site");
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

TEST_F(PassiveChecksTest, ATrialGoesByTheDetectorsThatAreOn) {
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

TEST_F(PassiveChecksTest, OneRequestIsTheTrialAndOthersGoElsewhere) {
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

TEST_F(PassiveChecksTest, ATrialThatFailsEjectsForTwiceAsLong) {
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

TEST_F(PassiveChecksTest, ATrialWhoseClientLeavesIsNone) {
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

TEST_F(PassiveChecksTest, APostIsNoTrialInTheFirstSecond) {
  let_wait_for_trial();
  EXPECT_EQ(picked(post_), 1u);
  EXPECT_EQ(picked(get_), 0u);
  let_wait_for_trial(seconds(1));
  EXPECT_EQ(picked(post_), 0u);
}

TEST_F(PassiveChecksTest, ATrialOverAStaleConnectionGoesOnWithItsRepetition) {
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

TEST_F(PassiveChecksTest, ATrialThatGoesElsewhereAfterAllIsNone) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  EXPECT_EQ(trial.pick(0), 0u);
  trial.begin(2);
  EXPECT_EQ(phase(), Phase::half_open);
}

TEST_F(PassiveChecksTest, AResponseThatGoesOnForLongIsASuccessWithItsHeader) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.head_came(200, false);
  EXPECT_EQ(phase(), Phase::in);
  trial.end({.how = How::answered, .status = 200});
  EXPECT_EQ(news_.size(), 1u);
}

TEST_F(PassiveChecksTest, AStreamOfGrpcIsGoodWhenNothingBadIsHeardForASecond) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, get_);
  trial.begin(trial.pick(0));
  trial.head_came(200, true);
  EXPECT_EQ(phase(), Phase::trial);
  EXPECT_FALSE(endpoint(pool_).after_quiet_trial(worker_.reactor.now()));
  EXPECT_TRUE(endpoint(pool_).after_quiet_trial(worker_.reactor.now() + seconds(1)));
}

TEST_F(PassiveChecksTest, FailuresOfWorkThatBeganBeforeTheEjectionAddNothing) {
  BackendTries late(worker_);
  late.use(pool_, get_);
  late.begin(0);
  for (int i = 0; i < 2; ++i) fail(kRefused);
  EjectionState out = endpoint(pool_).ejection();
  late.end(TryOutcome::of(kReset));
  EXPECT_EQ(endpoint(pool_).ejection(), out);
  EXPECT_EQ(endpoint(pool_).failed({}).local, 0u);
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

TEST_F(PassiveChecksTest, ATcpTrialIsQuietFromItsConnectionOn) {
  let_wait_for_trial();
  BackendTries trial(worker_);
  trial.use(pool_, Carried::connection);
  trial.begin(trial.pick(0));
  EXPECT_FALSE(endpoint(pool_).after_quiet_trial(worker_.reactor.now() + seconds(9)));
  trial.connected();
  EXPECT_TRUE(endpoint(pool_).after_quiet_trial(worker_.reactor.now() + seconds(1)));
  trial.responded(milliseconds(1));
  EXPECT_EQ(phase(), Phase::in);
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
  EXPECT_EQ(counts.latency[pool::LatencyScale::cell(3'000'000)], 3u) << "of those that succeeded";
}

}  // namespace
}  // namespace weir::worker
