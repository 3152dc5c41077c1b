// With no descriptors for more connections to backends, idle ones make room.
#include "tests/unit/upstream/connections_fixture.h"

namespace weir::upstream {
namespace {

// Room for three connections.
constexpr net::DescriptorBudget::Needs kFew{.limit = 60, .fixed = 14};

TEST_F(ConnectionsTest, AnIdleConnectionMakesRoomForANewOne) {
  descriptors_.divide(kFew);
  std::vector<Got> held(descriptors_.max_upstream());
  for (Got& got : held) {
    start(first_, got, true);
    run_until([&] { return got.done; });
    EXPECT_TRUE(got.lease);
  }
  give_back(first_, held.front());
  Got next;
  start(first_, next, true);
  run_until([&] { return next.done; });
  EXPECT_TRUE(next.lease);
  EXPECT_EQ(open(), held.size());
}

TEST_F(ConnectionsTest, AnIdleConnectionOfAnotherWorkerMakesRoomToo) {
  descriptors_.divide(kFew);
  std::vector<Got> held(descriptors_.max_upstream());
  for (Got& got : held) {
    start(second_, got, true);
    run_until([&] { return got.done; });
  }
  Got next;
  start(first_, next, true);
  run_until([&] { return descriptors_.max_upstream() == open() - 1; });
  give_back(second_, held.front());
  run_until([&] { return next.done; });
  EXPECT_TRUE(next.lease);
}

TEST_F(ConnectionsTest, WhereThereIsRoomAgainIdleConnectionsStay) {
  descriptors_.divide(kFew);
  std::vector<Got> held(descriptors_.max_upstream());
  for (Got& got : held) {
    start(first_, got, true);
    run_until([&] { return got.done; });
  }
  Got next;
  start(first_, next, true);
  run_until([&] { return descriptors_.max_upstream() == open() - 1; });
  descriptors_.divide({.limit = 200, .fixed = 14});
  give_back(first_, held.front());
  run_until([&] { return next.done; });
  EXPECT_TRUE(next.lease);
  EXPECT_EQ(open(), held.size() + 1);
}

TEST_F(ConnectionsTest, WithoutRoomAnExchangeEndsAsExhaustedWhichIsOurs) {
  descriptors_.divide(kFew);
  std::vector<Got> held(descriptors_.max_upstream());
  for (Got& got : held) {
    start(first_, got, true);
    run_until([&] { return got.done; });
  }
  Got next;
  AcquireOptions impatient = options(true);
  impatient.connect_timeout = 20ms;
  start(second_, next, impatient);
  run_until([&] { return next.done; });
  EXPECT_FALSE(next.lease);
  EXPECT_EQ(next.error, base::ErrorCode::exhausted);
  EXPECT_EQ(open(), held.size());
}

}  // namespace
}  // namespace weir::upstream
