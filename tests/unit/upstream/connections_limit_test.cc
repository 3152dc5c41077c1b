// At max_connections: who waits, and who gets what comes free.
#include "tests/unit/upstream/connections_fixture.h"

namespace weir::upstream {
namespace {

TEST_F(ConnectionsTest, AtTheLimitTheNextOneWaitsForAConnectionToComeFree) {
  entry_.max_connections = 1;
  for (OneWorker* waiting : {&first_, &second_}) {
    Got holder, waiter;
    start(first_, holder);
    run_until([&] { return holder.done; });
    start(*waiting, waiter);
    run_until([&] { return entry_.backend->places.waiting() == 1; });
    EXPECT_FALSE(waiter.done);
    give_back(first_, holder);
    run_until([&] { return waiter.done; });
    ASSERT_TRUE(waiter.lease);
    EXPECT_EQ(open(), 1u);
    EXPECT_EQ(entry_.backend->places.waiting(), 0u);
    waiting->reactor.adopt_thread();
    waiter.lease.close();
    EXPECT_EQ(open(), 0u);
  }
}

TEST_F(ConnectionsTest, AtTheLimitAnotherWorkersIdleConnectionGivesItsPlaceToOneThatIsNotReused) {
  entry_.max_connections = 1;
  for (bool unshared : {true, false}) {
    Got idle, wanted;
    start(first_, idle);
    run_until([&] { return idle.done; });
    give_back(first_, idle);
    AcquireOptions other_kind = options(!unshared);
    other_kind.unshared = unshared;
    start(second_, wanted, other_kind);
    run_until([&] { return wanted.done; });
    ASSERT_TRUE(wanted.lease);
    EXPECT_FALSE(wanted.lease.reused());
    EXPECT_EQ(open(), 1u);
    second_.reactor.adopt_thread();
    wanted.lease.close();
  }
}

TEST_F(ConnectionsTest, AtTheLimitOneThatIsNotReusedWaitsWithoutHoldingUpItsWorker) {
  entry_.max_connections = 1;
  queue_timeout_ = 50ms;
  Got idle, wanted;
  start(first_, idle);
  run_until([&] { return idle.done; });
  give_back(first_, idle);
  AcquireOptions unshared = options();
  unshared.unshared = true;
  start(second_, wanted, unshared);
  // The other worker is busy with something else and gives nothing away.
  auto give_up = base::now() + 10s;
  while (!wanted.done && base::now() < give_up) second_.reactor.run_once(base::now() + 1ms);
  ASSERT_TRUE(wanted.done);
  EXPECT_EQ(wanted.error, base::ErrorCode::timeout);
}

TEST_F(ConnectionsTest, APlaceThatCameFreeWakesAWaiterOfAnotherWorker) {
  entry_.max_connections = 1;
  Got holder, waiter;
  start(first_, holder);
  run_until([&] { return holder.done; });
  start(second_, waiter);
  run_until([&] { return entry_.backend->places.waiting() == 1; });
  first_.reactor.adopt_thread();
  holder.lease.close();
  run_until([&] { return waiter.done; });
  ASSERT_TRUE(waiter.lease);
  EXPECT_FALSE(waiter.lease.reused());
  EXPECT_EQ(open(), 1u);
}

TEST_F(ConnectionsTest, WhoLeavesJustWhenItIsItsTurnHoldsUpNobody) {
  entry_.max_connections = 1;
  for (bool idle : {false, true}) {
    Got holder, leaving, next;
    start(first_, holder);
    run_until([&] { return holder.done; });
    net::TaskGroup leaver;
    first_.reactor.adopt_thread();
    leaver.spawn(acquire(first_.connections, options(), leaving));
    run_until([&] { return entry_.backend->places.waiting() == 1; });
    start(first_, next);
    run_until([&] { return entry_.backend->places.waiting() == 2; });
    first_.reactor.adopt_thread();
    idle ? holder.lease.give_back() : holder.lease.close();
    leaver.cancel();
    run_until([&] { return leaver.size() == 0; });
    first_.reactor.adopt_thread();
    leaving.lease.close();
    run_until([&] { return next.done; });
    EXPECT_TRUE(next.lease);
    EXPECT_EQ(open(), 1u);
    first_.reactor.adopt_thread();
    next.lease.close();
    EXPECT_EQ(open(), 0u);
  }
}

TEST_F(ConnectionsTest, PlacesGoByTurnsToTheWaitersOfAllWorkers) {
  entry_.max_connections = 1;
  Got holder, other;
  std::array<Got, 3> here;
  start(first_, holder);
  run_until([&] { return holder.done; });
  for (Got& waiter : here) start(first_, waiter);
  start(second_, other);
  run_until([&] { return entry_.backend->places.waiting() == 4; });
  first_.reactor.adopt_thread();
  holder.lease.close();
  run_until([&] { return here[0].done || other.done; });
  first_.reactor.adopt_thread();
  if (here[0].done) here[0].lease.close();
  run_until([&] { return other.done; });
  EXPECT_TRUE(other.lease) << "while two still wait where the places came free";
  EXPECT_FALSE(here[2].done);
  EXPECT_EQ(open(), 1u);
  second_.reactor.adopt_thread();
  other.lease.close();
  for (Got& waiter : here) {
    run_until([&] { return waiter.done; });
    first_.reactor.adopt_thread();
    waiter.lease.close();
  }
  EXPECT_EQ(open(), 0u);
}

TEST_F(ConnectionsTest, NobodyWhoComesLaterTakesThePlaceOfOneThatWaits) {
  entry_.max_connections = 1;
  Got holder, waiter, late;
  start(first_, holder);
  run_until([&] { return holder.done; });
  start(first_, waiter);
  run_until([&] { return entry_.backend->places.waiting() == 1; });
  first_.reactor.adopt_thread();
  holder.lease.close();
  start(first_, late);  // before the waiter has had a turn
  run_until([&] { return waiter.done; });
  EXPECT_TRUE(waiter.lease);
  EXPECT_FALSE(late.done);
  first_.reactor.adopt_thread();
  waiter.lease.close();
  run_until([&] { return late.done; });
}

TEST_F(ConnectionsTest, PlacesBeyondALowerLimitAreGivenUpAlthoughOthersWait) {
  entry_.max_connections = 2;
  std::array<Got, 2> holders;
  Got waiter;
  for (Got& holder : holders) start(first_, holder);
  run_until([&] { return holders[0].done && holders[1].done; });
  entry_.max_connections = 1;
  start(first_, waiter);
  run_until([&] { return entry_.backend->places.waiting() == 1; });
  give_back(first_, holders[0]);
  run_until([&] { return entry_.backend->places.waiting() == 1 && open() == 1; });
  EXPECT_FALSE(waiter.done);
  first_.reactor.adopt_thread();
  holders[1].lease.close();
  run_until([&] { return waiter.done; });
  EXPECT_EQ(open(), 1u);
}

TEST_F(ConnectionsTest, ConnectionsBeyondALowerLimitEndWithTheRequestsOnThem) {
  std::array<Got, 2> holders;
  for (Got& holder : holders) start(first_, holder);
  run_until([&] { return holders[0].done && holders[1].done; });
  for (Got& holder : holders) give_back(first_, holder);
  entry_.max_connections = 1;
  for (int i = 0; i < 2; ++i) {
    first_.reactor.adopt_thread();
    Lease idle = first_.connections.take_idle(options());
    ASSERT_TRUE(idle);
    idle.give_back();
    EXPECT_EQ(open(), 1u);
  }
}

TEST_F(ConnectionsTest, WaitingForABackendWhoseTimeIsOverEnds) {
  entry_.max_connections = 1;
  Got holder, waiter;
  start(first_, holder);
  run_until([&] { return holder.done; });
  start(first_, waiter);
  run_until([&] { return entry_.backend->places.waiting() == 1; });
  first_.reactor.adopt_thread();
  first_.connections.break_busy(*entry_.backend);
  run_until([&] { return waiter.done; });
  EXPECT_EQ(waiter.error, base::ErrorCode::no_backend);
  EXPECT_TRUE(holder.lease.was_cut());
}

TEST_F(ConnectionsTest, WaitingEndsWithItsDeadlineAndIsBounded) {
  entry_.max_connections = 1;
  settings_.max_queue = 1;
  queue_timeout_ = 10ms;
  Got holder, waiter, refused;
  start(first_, holder);
  run_until([&] { return holder.done; });
  start(first_, waiter);
  start(first_, refused);
  EXPECT_TRUE(refused.done);
  EXPECT_EQ(refused.error, base::ErrorCode::queue_full);
  run_until([&] { return waiter.done; });
  EXPECT_EQ(waiter.error, base::ErrorCode::timeout);
  EXPECT_EQ(entry_.backend->places.waiting(), 0u);
  EXPECT_EQ(entry_.backend->places.waiting_workers().members(), 0u);
}

}  // namespace
}  // namespace weir::upstream
