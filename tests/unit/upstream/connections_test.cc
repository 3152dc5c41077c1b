#include "upstream/connections.h"

#include <array>
#include <functional>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/listener.h"
#include "net/task_group.h"

namespace weir::upstream {
namespace {

using namespace std::chrono_literals;

// Two workers on one thread, run by turns, and a backend that accepts and never speaks.
class ConnectionsTest : public testing::Test {
 protected:
  struct OneWorker {
    explicit OneWorker(std::uint32_t index) : connections(index) {}
    net::Reactor reactor;
    Connections connections;
    net::TaskGroup tasks;
  };

  ConnectionsTest() {
    listening_ = *net::listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
    base::SocketAddress address = net::local_address(listening_);
    entry_.backend = std::make_shared<pool::Backend>("site", "a", "127.0.0.1", address.port);
    entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{address});
    for (OneWorker* worker : {&first_, &second_}) worker->connections.set_peers(peers_);
  }
  ~ConnectionsTest() override {
    for (OneWorker* worker : {&first_, &second_}) {
      worker->reactor.adopt_thread();
      worker->tasks.cancel();
    }
    run_until([this] { return first_.tasks.size() + second_.tasks.size() == 0; });
    for (OneWorker* worker : {&first_, &second_}) {
      worker->reactor.adopt_thread();
      worker->connections.close_all_idle();
    }
    for (int fd : accepted_) ::close(fd);
    ::close(listening_);
  }

  void run_until(const std::function<bool()>& done) {
    auto give_up = base::now() + 10s;
    while (!done() && base::now() < give_up) {
      for (OneWorker* worker : {&first_, &second_}) {
        worker->reactor.adopt_thread();
        worker->reactor.run_once(base::now() + 1ms);
      }
      int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd >= 0) accepted_.push_back(fd);
    }
    EXPECT_TRUE(done());
  }
  AcquireOptions options(bool fresh = false) {
    return {.backend = &entry_,
            .settings = &settings_,
            .connect_timeout = 1s,
            .queue_timeout = queue_timeout_,
            .metrics = &metrics_,
            .fresh = fresh};
  }
  struct Got {
    bool done = false;
    base::ErrorCode error{};
    Lease lease;
  };
  static net::Task<void> acquire(Connections& connections, AcquireOptions options, Got& got) {
    base::Result<Lease> lease = co_await connections.acquire(options);
    if (lease) {
      got.lease = std::move(*lease);
    } else {
      got.error = lease.error().code;
    }
    got.done = true;
  }
  void start(OneWorker& worker, Got& got, bool fresh = false) { start(worker, got, options(fresh)); }
  void start(OneWorker& worker, Got& got, const AcquireOptions& options) {
    worker.reactor.adopt_thread();
    worker.tasks.spawn(acquire(worker.connections, options, got));
  }
  void give_back(OneWorker& worker, Got& got) {
    worker.reactor.adopt_thread();
    got.lease.give_back();
  }
  std::uint32_t open() const { return entry_.backend->open_connections.load(); }

  metrics::Registry registry_{2};
  ConnectionMetrics metrics_{.opened = registry_.counter("opened", "."),
                             .reused = registry_.counter("reused", "."),
                             .taken_over = registry_.counter("taken", ".")};
  config::UpstreamConnections settings_;
  base::Nanoseconds queue_timeout_ = 5s;
  OneWorker first_{0}, second_{1};
  std::array<Peer, 2> peers_{Peer{&first_.reactor, &first_.connections}, Peer{&second_.reactor, &second_.connections}};
  pool::BackendEntry entry_;
  int listening_ = -1;
  std::vector<int> accepted_;
};

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

TEST_F(ConnectionsTest, AtTheLimitTheNextOneWaitsForAConnectionToComeFree) {
  entry_.max_connections = 1;
  for (OneWorker* waiting : {&first_, &second_}) {
    Got holder, waiter;
    start(first_, holder);
    run_until([&] { return holder.done; });
    start(*waiting, waiter);
    run_until([&] { return entry_.backend->queued.load() == 1; });
    EXPECT_FALSE(waiter.done);
    give_back(first_, holder);
    run_until([&] { return waiter.done; });
    ASSERT_TRUE(waiter.lease);
    EXPECT_EQ(open(), 1u);
    EXPECT_EQ(entry_.backend->queued.load(), 0u);
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
  run_until([&] { return entry_.backend->queued.load() == 1; });
  first_.reactor.adopt_thread();
  holder.lease.close();
  run_until([&] { return waiter.done; });
  ASSERT_TRUE(waiter.lease);
  EXPECT_FALSE(waiter.lease.reused());
  EXPECT_EQ(open(), 1u);
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
  EXPECT_EQ(entry_.backend->queued.load(), 0u);
  EXPECT_EQ(entry_.backend->waiting_workers.load(), 0u);
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
  run_until([&] { return entry_.backend->queued.load() == 1; });
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
