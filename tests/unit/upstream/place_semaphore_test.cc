#include "upstream/place_semaphore.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>

#include "gtest/gtest.h"

#include "net/task_group.h"

namespace weir::upstream {
namespace {

using Kind = PlaceSemaphore::Grant::Kind;

// Three workers on one thread, run by turns until nothing is left to do; no sockets, and no waiting for time to pass.
class PlaceSemaphoreTest : public testing::Test {
 protected:
  struct OneWorker {
    explicit OneWorker(std::uint32_t index) : places(index) {}
    net::Reactor reactor;
    PlaceSemaphore places;
    net::TaskGroup tasks;
  };
  // An exchange that has waited, or still does.
  struct Exchange {
    std::string name;
    net::TaskGroup task;
    bool done = false;
    base::Result<PlaceSemaphore::Grant> grant;
  };

  PlaceSemaphoreTest() {
    for (std::uint32_t index = 0; index < workers_.size(); ++index) {
      peers_[index] = {.reactor = &workers_[index].reactor, .places = &workers_[index].places};
    }
    for (OneWorker& worker : workers_) worker.places.set_peers(peers_);
  }
  ~PlaceSemaphoreTest() override {
    for (OneWorker& worker : workers_) on(worker).leave(*backend_);
    run();
  }

  PlaceSemaphore& on(OneWorker& worker) {
    worker.reactor.adopt_thread();
    return worker.places;
  }
  void run() {
    for (int round = 0; round < 20; ++round) {
      for (OneWorker& worker : workers_) {
        worker.reactor.adopt_thread();
        worker.reactor.run_once(base::TimePoint());
      }
    }
  }
  void take_all() {
    while (backend_->places.claim(limit_)) {
    }
  }
  // The order in which exchanges have got what they waited for is in `served_`.
  net::Task<void> wait(OneWorker& worker, Exchange& exchange) {
    PlaceSemaphore::WaitOptions options{
        .limit = limit_, .max_queue = max_queue_, .deadline = base::TimePoint::max(), .at_front = false};
    exchange.grant = co_await worker.places.wait(backend_, options);
    exchange.done = true;
    if (exchange.grant && exchange.grant->kind == Kind::place) served_ += exchange.name;
  }
  Exchange& start(std::uint32_t worker, std::string name = "x") {
    Exchange& exchange = exchanges_.emplace_back();
    exchange.name = std::move(name);
    workers_[worker].reactor.adopt_thread();
    exchange.task.spawn(wait(workers_[worker], exchange));
    return exchange;
  }
  void free(std::uint32_t worker) {
    on(workers_[worker]).free(backend_, limit_);
    run();
  }

  std::uint32_t limit_ = 1;
  std::uint32_t max_queue_ = 100;
  std::shared_ptr<pool::Backend> backend_ = std::make_shared<pool::Backend>("site", "a", "127.0.0.1", 1);
  pool::ConnectionPlaces& places_ = backend_->places;
  std::array<OneWorker, 3> workers_{OneWorker(0), OneWorker(1), OneWorker(2)};
  std::array<Peer, 3> peers_{};
  std::string served_;
  std::deque<Exchange> exchanges_;
};

TEST_F(PlaceSemaphoreTest, APlaceThatNobodyWaitsForIsFree) {
  take_all();
  free(0);
  EXPECT_EQ(places_.taken(), 0u);
}

TEST_F(PlaceSemaphoreTest, OnOneWorkerTheFirstToComeIsTheFirstServed) {
  take_all();
  for (const char* name : {"a", "b", "c"}) start(0, name);
  run();
  EXPECT_EQ(served_, "");
  for (int i = 0; i < 3; ++i) free(0);
  EXPECT_EQ(served_, "abc");
}

TEST_F(PlaceSemaphoreTest, APlaceIsHandedOverWithoutBeingFreeInBetween) {
  take_all();
  Exchange& waiting = start(0);
  run();
  on(workers_[0]).free(backend_, limit_);
  EXPECT_FALSE(places_.claim(limit_)) << "an exchange that comes later takes the place of one that waits";
  run();
  ASSERT_TRUE(waiting.done);
  EXPECT_EQ(waiting.grant->kind, Kind::place);
  EXPECT_EQ(places_.taken(), 1u);
  EXPECT_EQ(places_.waiting(), 0u);
}

TEST_F(PlaceSemaphoreTest, PlacesOfABusyWorkerGoByTurnsToItsOwnWaitersAndToThoseOfOthers) {
  take_all();
  for (int i = 0; i < 4; ++i) start(0, "0");
  for (int i = 0; i < 2; ++i) start(1, "1");
  for (int i = 0; i < 2; ++i) start(2, "2");
  run();
  for (int i = 0; i < 8; ++i) {
    free(0);
    std::string so_far = served_;
    auto own = static_cast<int>(std::ranges::count(so_far, '0'));
    EXPECT_LE(std::abs(2 * own - static_cast<int>(so_far.size())), 1) << so_far;
  }
  EXPECT_EQ(served_.size(), 8u);
  // Of the others, none is served twice before the other was served once.
  std::erase(served_, '0');
  EXPECT_TRUE(served_ == "1212" || served_ == "2121") << served_;
}

TEST_F(PlaceSemaphoreTest, APlaceGoesElsewhereWhereNobodyWaitsHere) {
  take_all();
  Exchange& first = start(1);
  Exchange& second = start(1);
  run();
  free(0);
  free(2);
  EXPECT_TRUE(first.done);
  EXPECT_TRUE(second.done);
  EXPECT_EQ(places_.taken(), 1u);
}

TEST_F(PlaceSemaphoreTest, APlaceThatWasSentIsForThoseWhoWaitThere) {
  take_all();
  start(1, "b");
  run();
  workers_[0].reactor.adopt_thread();
  workers_[0].places.free(backend_, limit_);  // sent to worker 1, not yet there
  start(0, "a");
  run();
  EXPECT_EQ(served_, "b");
}

TEST_F(PlaceSemaphoreTest, APlaceThatIsSentTooLateGoesOnToTheNextWorkerWithWaiters) {
  take_all();
  start(2, "c");
  run();
  on(workers_[0]).send(peers_[1], backend_, limit_);  // where nobody waits any more
  run();
  EXPECT_EQ(served_, "c");
}

TEST_F(PlaceSemaphoreTest, AWaitThatIsCancelledLeavesNoTrace) {
  take_all();
  Exchange& leaving = start(1);
  workers_[1].reactor.adopt_thread();
  leaving.task.cancel();
  run();
  ASSERT_TRUE(leaving.done);
  EXPECT_EQ(leaving.grant.error().code, base::ErrorCode::cancelled);
  EXPECT_EQ(places_.waiting(), 0u);
  EXPECT_EQ(places_.waiting_workers().members(), 0u);
}

TEST_F(PlaceSemaphoreTest, APlaceThatIsSentToAWorkerWithoutWaitersIsFree) {
  take_all();
  on(workers_[0]).send(peers_[1], backend_, limit_);
  run();
  EXPECT_EQ(places_.taken(), 0u);
}

TEST_F(PlaceSemaphoreTest, PlacesInSurplusAreNotHandedOver) {
  limit_ = 2;
  take_all();
  limit_ = 1;
  Exchange& waiting = start(0);
  run();
  free(0);
  EXPECT_EQ(places_.taken(), 1u);
  EXPECT_FALSE(waiting.done && waiting.grant->kind == Kind::place);
}

TEST_F(PlaceSemaphoreTest, AConnectionIsGivenToTheFirstOfThisWorker) {
  take_all();
  auto& connection = *reinterpret_cast<Connection*>(this);  // is only handed through
  EXPECT_FALSE(on(workers_[0]).give_here(*backend_, connection));
  Exchange& first = start(0);
  Exchange& second = start(0);
  run();
  EXPECT_TRUE(on(workers_[0]).give_here(*backend_, connection));
  run();
  ASSERT_TRUE(first.done);
  EXPECT_EQ(first.grant->kind, Kind::connection);
  EXPECT_EQ(first.grant->connection, &connection);
  EXPECT_FALSE(second.done);
}

TEST_F(PlaceSemaphoreTest, WhoeverIsWokenLooksAgainAndIsToldSo) {
  take_all();
  Exchange& waiting = start(2);
  run();
  on(workers_[0]).wake_next(backend_);
  run();
  ASSERT_TRUE(waiting.done);
  EXPECT_EQ(waiting.grant->kind, Kind::look_again);
  EXPECT_TRUE(waiting.grant->was_woken);
}

TEST_F(PlaceSemaphoreTest, APlaceThatCameFreeJustBeforeIsLookedForOnceMore) {
  Exchange& waiting = start(0);  // nothing is taken by now
  run();
  ASSERT_TRUE(waiting.done);
  EXPECT_EQ(waiting.grant->kind, Kind::look_again);
  EXPECT_FALSE(waiting.grant->was_woken);
}

TEST_F(PlaceSemaphoreTest, AWakeUpThatComesTooLateGoesToTheNext) {
  take_all();
  Exchange& leaving = start(0);
  Exchange& next = start(1);
  run();
  on(workers_[0]).wake_next(backend_);
  leaving.task.cancel();
  run();
  ASSERT_TRUE(leaving.done);
  // It looks again itself, or has left that to the next one.
  EXPECT_TRUE((leaving.grant && leaving.grant->was_woken) || next.done);
}

TEST_F(PlaceSemaphoreTest, TheQueueIsBoundedOverAllWorkers) {
  max_queue_ = 2;
  take_all();
  start(0);
  start(1);
  Exchange& refused = start(2);
  ASSERT_TRUE(refused.done);
  EXPECT_EQ(refused.grant.error().code, base::ErrorCode::queue_full);
  EXPECT_EQ(places_.waiting(), 2u);
}

TEST_F(PlaceSemaphoreTest, WaitsForABackendThatLeavesEnd) {
  take_all();
  Exchange& here = start(0);
  Exchange& elsewhere = start(1);
  run();
  on(workers_[0]).leave(*backend_);
  run();
  ASSERT_TRUE(here.done);
  EXPECT_EQ(here.grant.error().code, base::ErrorCode::no_backend);
  EXPECT_FALSE(elsewhere.done);
}

TEST_F(PlaceSemaphoreTest, BackendsHaveQueuesOfTheirOwn) {
  take_all();
  Exchange& waiting = start(0);
  run();
  auto other = std::make_shared<pool::Backend>("site", "b", "127.0.0.1", 2);
  other->places.claim(limit_);
  on(workers_[0]).free(other, limit_);
  run();
  EXPECT_FALSE(waiting.done);
  EXPECT_EQ(other->places.taken(), 0u);
}

}  // namespace
}  // namespace weir::upstream
