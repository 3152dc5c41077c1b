#include "tests/unit/upstream/connections_fixture.h"

namespace weir::upstream {
namespace {

TEST_F(ConnectionsTest, AConnectionGivenBackServesTheNextExchange) {
  Got got;
  start(first_, got);
  run_until([&] { return got.done; });
  ASSERT_TRUE(got.lease);
  EXPECT_FALSE(got.lease.reused());
  give_back(first_, got);
  EXPECT_EQ(first_.connections.idle_count(), 1u);
  Lease again = first_.connections.take_idle(options());
  ASSERT_TRUE(again);
  EXPECT_TRUE(again.reused());
  EXPECT_EQ(open(), 1u);
}

TEST_F(ConnectionsTest, AnIdleConnectionThatTheBackendClosesIsForgotten) {
  Got got;
  start(first_, got);
  run_until([&] { return got.done && accepted_.size() == 1; });
  give_back(first_, got);
  ::close(accepted_.back());
  accepted_.clear();
  run_until([&] { return first_.connections.idle_count() == 0; });
  EXPECT_EQ(open(), 0u);
}

TEST_F(ConnectionsTest, AnIdleConnectionEndsAfterItsTimeout) {
  settings_.idle_timeout = config::Duration(5);
  Got got;
  start(first_, got);
  run_until([&] { return got.done; });
  give_back(first_, got);
  run_until([&] { return open() == 0; });
}

TEST_F(ConnectionsTest, AnotherWorkersIdleConnectionIsTakenOverBeforeOneIsOpened) {
  Got here, there;
  start(first_, here);
  run_until([&] { return here.done; });
  give_back(first_, here);
  start(second_, there);
  run_until([&] { return there.done; });
  ASSERT_TRUE(there.lease);
  EXPECT_TRUE(there.lease.reused());
  EXPECT_EQ(open(), 1u);
  EXPECT_EQ(first_.connections.idle_count(), 0u);
  EXPECT_EQ(metrics_.taken_over.total(2), 1u);
}

TEST_F(ConnectionsTest, AFreshConnectionIsOpenedEvenWhenOneIsIdle) {
  Got here, fresh;
  start(first_, here);
  run_until([&] { return here.done; });
  give_back(first_, here);
  start(first_, fresh, true);
  run_until([&] { return fresh.done; });
  EXPECT_FALSE(fresh.lease.reused());
  EXPECT_EQ(open(), 2u);
}

TEST_F(ConnectionsTest, ABackendThatDrainsKeepsNoIdleConnections) {
  Got got, busy;
  start(first_, got);
  run_until([&] { return got.done; });
  start(first_, busy);
  run_until([&] { return busy.done; });
  give_back(first_, got);
  entry_.backend->state = pool::BackendState::draining;
  first_.connections.close_idle_of_retired();
  EXPECT_EQ(open(), 1u) << "what is in use goes on";
  give_back(first_, busy);
  EXPECT_EQ(open(), 0u);
}

// Other addresses of the backend, with the present one among them or not.
TEST_F(ConnectionsTest, AnIdleConnectionIsUsedForAsLongAsItsAddressIsTheBackends) {
  base::SocketAddress present = entry_.addresses->front();
  base::SocketAddress another{.ip = *base::IpAddress::parse("127.0.0.2"), .port = present.port};
  Got got;
  start(first_, got);
  run_until([&] { return got.done; });
  give_back(first_, got);
  entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{another, present});
  Lease kept = first_.connections.take_idle(options());
  ASSERT_TRUE(kept);
  kept.give_back();
  entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{another});
  EXPECT_FALSE(first_.connections.take_idle(options()));
  EXPECT_EQ(open(), 0u);
}

TEST_F(ConnectionsTest, AConnectionToAnAddressThatIsGoneIsNeitherTakenOverNorHandedOn) {
  base::SocketAddress present = entry_.addresses->front();
  int elsewhere = *net::listen_tcp({.ip = *base::IpAddress::parse("127.0.0.2"), .port = 0}, {});
  Got here, there;
  start(first_, here);
  run_until([&] { return here.done; });
  give_back(first_, here);
  entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{net::local_address(elsewhere)});
  start(second_, there);
  run_until([&] { return there.done; });
  ASSERT_TRUE(there.lease);
  EXPECT_FALSE(there.lease.reused());
  EXPECT_EQ(open(), 1u);

  entry_.max_connections = 1;
  Got waiting;
  entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{present});
  start(second_, waiting);
  run_until([&] { return entry_.backend->places.waiting() == 1; });
  give_back(second_, there);
  run_until([&] { return waiting.done; });
  ASSERT_TRUE(waiting.lease);
  EXPECT_FALSE(waiting.lease.reused());
  EXPECT_EQ(open(), 1u);
  ::close(elsewhere);
}

TEST_F(ConnectionsTest, ARefusedConnectionGivesItsPlaceBack) {
  base::SocketAddress nobody = net::local_address(listening_);
  int free_port = *net::listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
  nobody = net::local_address(free_port);
  ::close(free_port);
  entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{nobody});
  Got got;
  start(first_, got);
  run_until([&] { return got.done; });
  EXPECT_EQ(got.error, base::ErrorCode::refused);
  EXPECT_EQ(open(), 0u);
}

TEST_F(ConnectionsTest, AnAddressThatRefusesIsFollowedByTheNext) {
  int free_port = *net::listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
  base::SocketAddress nobody = net::local_address(free_port);
  ::close(free_port);
  entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{nobody, entry_.addresses->front()});
  for (int i = 0; i < 2; ++i) {
    Got got;
    start(first_, got, true);
    run_until([&] { return got.done; });
    EXPECT_TRUE(got.lease);
  }
}

}  // namespace
}  // namespace weir::upstream
