#include "pool/retry_budget.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

using std::chrono::seconds;

class RetryBudgetTest : public testing::Test {
 protected:
  void requests(int count, std::uint32_t worker = 0) {
    for (int i = 0; i < count; ++i) budget.count_request(worker, clock.now());
  }
  // How many of 1,000 retries are allowed.
  int allowed(double share, std::uint32_t floor) {
    int count = 0;
    for (int i = 0; i < 1'000; ++i) count += budget.try_retry(clock.now(), share, floor);
    return count;
  }
  base::ManualClock clock;
  RetryBudget budget{3};
};

TEST_F(RetryBudgetTest, AllowsAShareOfTheRequests) {
  requests(500);
  EXPECT_EQ(allowed(0.2, 10), 100);
}

TEST_F(RetryBudgetTest, AllowsTheFloorWithFewRequests) {
  EXPECT_EQ(allowed(0.2, 10), 10);
  requests(20);
  EXPECT_EQ(allowed(0.2, 10), 0) << "the floor is no addition";
}

TEST_F(RetryBudgetTest, AllowsNothingWithoutShareAndFloor) {
  requests(500);
  EXPECT_EQ(allowed(0, 0), 0);
}

TEST_F(RetryBudgetTest, CountsAllWorkers) {
  for (std::uint32_t worker : {0u, 1u, 2u}) requests(100, worker);
  EXPECT_EQ(budget.requests(clock.now()), 300u);
  EXPECT_EQ(allowed(0.1, 0), 30);
}

TEST_F(RetryBudgetTest, DoesNotCountRefusedRetries) {
  requests(100);
  EXPECT_EQ(allowed(0.2, 0), 20);
  EXPECT_EQ(budget.retries(clock.now()), 20u);
  requests(100);
  EXPECT_EQ(allowed(0.2, 0), 20);
}

TEST_F(RetryBudgetTest, ForgetsWhatIsMoreThanTenSecondsOld) {
  requests(100);
  EXPECT_EQ(allowed(0.2, 0), 20);
  clock.advance(seconds(10));
  EXPECT_EQ(budget.requests(clock.now()), 100u);
  EXPECT_EQ(allowed(0.2, 0), 0);
  clock.advance(seconds(1));
  EXPECT_EQ(budget.requests(clock.now()), 0u);
  EXPECT_EQ(budget.retries(clock.now()), 0u);
}

TEST_F(RetryBudgetTest, SlidesSecondBySecond) {
  for (int second = 0; second < 60; ++second) {
    requests(10);
    clock.advance(seconds(1));
  }
  EXPECT_EQ(budget.requests(clock.now()), 100u) << "ten full seconds and the running one, in which there was none";
  clock.advance(seconds(5));
  EXPECT_EQ(budget.requests(clock.now()), 50u);
  clock.advance(std::chrono::hours(100));
  EXPECT_EQ(budget.requests(clock.now()), 0u);
}

TEST_F(RetryBudgetTest, TakesAChangedShareAtOnce) {
  requests(100);
  EXPECT_EQ(allowed(0.1, 0), 10);
  EXPECT_EQ(allowed(0.3, 0), 20);
  EXPECT_EQ(allowed(0.1, 0), 0);
}

TEST_F(RetryBudgetTest, StartsAtTheBeginningOfTime) {
  budget.count_request(0, base::TimePoint());
  EXPECT_EQ(budget.requests(base::TimePoint()), 1u);
}

TEST_F(RetryBudgetTest, IsNeverPassedBySeveralWorkersTogether) {
  std::atomic<int> total{0};
  {
    std::vector<std::jthread> workers;
    for (std::uint32_t worker = 0; worker < 3; ++worker) {
      workers.emplace_back([&, worker] {
        for (int i = 0; i < 5'000; ++i) {
          budget.count_request(worker, clock.now());
          total += budget.try_retry(clock.now(), 0.2, 10);
        }
      });
    }
  }
  EXPECT_LE(total, 3'000);
  EXPECT_EQ(budget.requests(clock.now()), 15'000u);
  EXPECT_EQ(static_cast<int>(budget.retries(clock.now())), total);
}

}  // namespace
}  // namespace weir::pool
