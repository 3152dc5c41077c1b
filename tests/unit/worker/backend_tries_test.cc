#include "worker/backend_tries.h"

#include "gtest/gtest.h"

#include "pool/endpoints.h"

namespace weir::worker {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;
using std::chrono::milliseconds;

constexpr Error kRefused{.code = ErrorCode::refused, .side = Side::backend, .retry_helps = true, .what = "connect"};

// Picks the first backend that is not to be avoided, and keeps the latencies that are reported.
class InOrder final : public balance::Strategy {
 public:
  explicit InOrder(std::size_t backends) : backends_(backends) {}
  std::uint32_t pick(const balance::PickContext& context) override {
    for (std::uint32_t index = 0; index < backends_; ++index) {
      if (std::ranges::find(context.avoid, index) == context.avoid.end()) return index;
    }
    return 0;
  }
  void responded(std::uint32_t, base::Nanoseconds latency, base::TimePoint) override { responded_after = latency; }
  void finished(std::uint32_t, base::Nanoseconds latency, base::TimePoint) override { finished_after = latency; }

  base::Nanoseconds responded_after{};
  base::Nanoseconds finished_after{};

 private:
  std::size_t backends_;
};

class BackendTriesTest : public testing::Test {
 protected:
  BackendTriesTest() {
    services_.registry = &registry_;
    worker_.reactor.adopt_thread();
    strategy_ = fill(pool_, "site");
  }
  // Three backends, at the same endpoints in every pool.
  InOrder* fill(PoolSnapshot& pool, const std::string& name) {
    auto config = std::make_shared<config::Pool>();
    config->retries = {.attempts = 2, .budget = 0.0, .budget_floor = 3};
    pool.config = std::move(config);
    pool.runtime = std::make_shared<PoolRuntime>(name, 1, registry_);
    for (std::uint16_t port : {80, 81, 82}) {
      pool.eligible.push_back(
          {.backend = std::make_shared<pool::Backend>(name, std::to_string(port), "127.0.0.1", port),
           .endpoint = endpoints_.get({"127.0.0.1", port}),
           .addresses = nullptr});
    }
    auto strategy = std::make_unique<InOrder>(pool.eligible.size());
    InOrder* made = strategy.get();
    pool.strategy = std::move(strategy);
    return made;
  }
  pool::Backend& backend(std::size_t index) { return *pool_.eligible[index].backend; }

  metrics::Registry registry_{1};
  pool::Endpoints endpoints_;
  Services services_;
  Worker worker_{0, services_};
  PoolSnapshot pool_;
  InOrder* strategy_ = nullptr;
};

TEST_F(BackendTriesTest, FurtherTriesGoToOtherBackends) {
  BackendTries tries(worker_);
  tries.use(pool_, Carried::connection);
  for (std::uint32_t expected : {0u, 1u, 2u}) {
    std::uint32_t picked = tries.pick(0);
    EXPECT_EQ(picked, expected);
    tries.begin(picked);
    tries.end(TryOutcome::of(kRefused));
  }
  EXPECT_EQ(tries.tries(), 3u);
}

TEST_F(BackendTriesTest, ATryIsInFlightFromItsBeginningToItsEnd) {
  BackendTries tries(worker_);
  tries.use(pool_, Carried::connection);
  tries.begin(0);
  EXPECT_EQ(backend(0).in_flight, 1u);
  tries.end({.how = TryOutcome::How::answered, .latency = milliseconds(2)});
  tries.end({.how = TryOutcome::How::answered});  // has ended already
  EXPECT_EQ(backend(0).in_flight, 0u);
  EXPECT_EQ(strategy_->finished_after, milliseconds(2));
}

TEST_F(BackendTriesTest, ATryThatIsForgottenEndsWithItsOwner) {
  {
    BackendTries tries(worker_);
    tries.use(pool_, Carried::connection);
    tries.begin(1);
  }
  EXPECT_EQ(backend(1).in_flight, 0u);
  EXPECT_EQ(backend(1).failed_requests, 0u);
  EXPECT_EQ(strategy_->finished_after, balance::kToldBefore);
}

TEST_F(BackendTriesTest, OnlyTheBackendsOwnErrorsAreItsFailures) {
  BackendTries tries(worker_);
  tries.use(pool_, Carried::connection);
  tries.begin(0);
  tries.end(TryOutcome::of({.code = ErrorCode::reset, .side = Side::client}));
  EXPECT_EQ(backend(0).failed_requests, 0u);
  tries.begin(0);
  tries.end(TryOutcome::of({.code = ErrorCode::cancelled, .side = Side::backend}));
  EXPECT_EQ(backend(0).failed_requests, 0u);
  tries.begin(0);
  tries.end(TryOutcome::of(kRefused));
  EXPECT_EQ(backend(0).failed_requests, 1u);
}

TEST_F(BackendTriesTest, RetriesEndWithTheNumberOfThePool) {
  BackendTries tries(worker_);
  tries.use(pool_, Carried::connection);
  EXPECT_TRUE(tries.retry(kRefused, {}));
  EXPECT_TRUE(tries.retry(kRefused, {}));
  EXPECT_FALSE(tries.retry(kRefused, {}));
}

TEST_F(BackendTriesTest, RetriesOfAllWorkOfAPoolShareItsBudget) {
  int retries = 0;
  for (int work = 0; work < 4; ++work) {
    BackendTries tries(worker_);
    tries.use(pool_, Carried::connection);
    while (tries.retry(kRefused, {})) ++retries;
  }
  EXPECT_EQ(retries, 3);  // budget_floor
}

TEST_F(BackendTriesTest, TheRepetitionAfterAStaleConnectionCostsNothing) {
  Error died{.code = ErrorCode::reset, .side = Side::backend, .retry_helps = true};
  for (int work = 0; work < 5; ++work) {
    BackendTries tries(worker_);
    tries.use(pool_, Carried::connection);
    EXPECT_TRUE(tries.retry(died, {.stale = true}));
    EXPECT_TRUE(tries.repeats());
  }
}

}  // namespace
}  // namespace weir::worker
