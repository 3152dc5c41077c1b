// Which address of a backend a connection is opened to.
#include <deque>
#include <map>

#include "tests/unit/upstream/connections_fixture.h"

namespace weir::upstream {
namespace {

class AddressesTest : public ConnectionsTest {
 protected:
  ~AddressesTest() override {
    for (int fd : more_) ::close(fd);
  }
  // So many addresses, all on the port of the first.
  std::shared_ptr<const pool::Addresses> listen_on(int count) {
    pool::Addresses all{entry_.addresses->front()};
    for (int i = 1; i < count; ++i) {
      all.push_back({.ip = *base::IpAddress::parse("127.0.0." + std::to_string(10 + i)), .port = all.front().port});
      more_.push_back(*net::listen_tcp(all.back(), {}));
    }
    return std::make_shared<const pool::Addresses>(std::move(all));
  }
  base::IpAddress opened(OneWorker& worker, const pool::BackendEntry& entry) {
    Got& got = held_.emplace_back();
    AcquireOptions wanted = options();
    wanted.backend = &entry;
    start(worker, got, wanted);
    run_until([&] { return got.done; });
    EXPECT_TRUE(got.lease);
    return got.lease ? net::remote_address(got.lease.stream().fd()).ip : base::IpAddress();
  }
  void TearDown() override { held_.clear(); }

  std::vector<int> more_;
  std::deque<Got> held_;
};

TEST_F(AddressesTest, EveryAddressGetsTheSameShareForEveryCountOfThem) {
  for (int count = 2; count <= 4; ++count) {
    entry_.addresses = listen_on(count);
    std::map<base::IpAddress, int> share;
    for (int i = 0; i < 3 * count; ++i) ++share[opened(first_, entry_)];
    EXPECT_EQ(share.size(), static_cast<std::size_t>(count));
    for (const auto& [address, connections] : share) EXPECT_EQ(connections, 3) << address.to_string();
    for (int fd : more_) ::close(fd);
    more_.clear();
    held_.clear();
  }
}

TEST_F(AddressesTest, TheShareIsTheSameOverAllWorkers) {
  entry_.addresses = listen_on(2);
  std::map<base::IpAddress, int> share;
  for (int i = 0; i < 4; ++i) {
    ++share[opened(first_, entry_)];
    ++share[opened(second_, entry_)];
  }
  EXPECT_EQ(share[entry_.addresses->front().ip], 4);
  EXPECT_EQ(share[entry_.addresses->back().ip], 4);
}

TEST_F(AddressesTest, BackendsThatTakeTurnsUseAllAddressesOfEach) {
  entry_.addresses = listen_on(2);
  pool::BackendEntry other = entry_;
  other.backend = std::make_shared<pool::Backend>("site", "b", "127.0.0.1", entry_.addresses->front().port);
  std::map<base::IpAddress, int> share;
  for (int i = 0; i < 4; ++i) {
    ++share[opened(first_, entry_)];
    opened(first_, other);
  }
  EXPECT_EQ(share[entry_.addresses->front().ip], 2);
  EXPECT_EQ(share[entry_.addresses->back().ip], 2);
  held_.clear();
}

TEST_F(AddressesTest, AnAddressThatRefusesIsTriedLastFromThenOn) {
  pool::Addresses all = *listen_on(2);
  ::close(more_.back());
  more_.clear();
  entry_.addresses = std::make_shared<const pool::Addresses>(all);
  entry_.backend->next_address = 1;
  EXPECT_EQ(opened(first_, entry_), all.front().ip);
  EXPECT_TRUE(entry_.endpoint->failed_addresses.contains(all.back().ip, base::now()));
  EXPECT_FALSE(entry_.endpoint->failed_addresses.contains(all.front().ip, base::now()));
}

TEST_F(AddressesTest, WorkWaitsForTheFirstLookUpOfAName) {
  std::shared_ptr<const pool::Addresses> found = std::exchange(entry_.addresses, nullptr);
  entry_.backend->name_state = pool::NameState::pending;
  std::shared_ptr<const pool::Addresses> known;
  first_.links.set_address_source([&](const pool::Backend&) { return known; });
  Got got;
  start(first_, got);
  run_until([&] { return open() == 1; });
  EXPECT_FALSE(got.done);
  first_.reactor.adopt_thread();
  first_.links.follow_snapshot();
  EXPECT_FALSE(got.done) << "the news was about another name";
  known = found;
  first_.links.follow_snapshot();
  run_until([&] { return got.done; });
  EXPECT_TRUE(got.lease);
}

TEST_F(AddressesTest, AConnectionServesOldSnapshotsThatKnowNoAddressAsWellAsNewOnes) {
  pool::BackendEntry before = entry_;
  before.addresses = nullptr;
  first_.links.set_address_source([&](const pool::Backend&) { return entry_.addresses; });
  AcquireOptions of_old = options();
  of_old.backend = &before;
  Got got;
  start(first_, got, of_old);
  run_until([&] { return got.done; });
  give_back(first_, got);
  for (const AcquireOptions& next : {options(), of_old, options()}) {
    Lease lease = first_.connections.take_idle(next);
    ASSERT_TRUE(lease);
    lease.give_back();
  }
}

TEST_F(AddressesTest, WorkForANameThatDoesNotResolveEndsAtOnce) {
  entry_.addresses = nullptr;
  entry_.backend->name_state = pool::NameState::pending;
  Got got;
  start(first_, got);
  run_until([&] { return open() == 1; });
  entry_.backend->name_state = pool::NameState::failed;
  first_.reactor.adopt_thread();
  first_.links.follow_snapshot();
  run_until([&] { return got.done; });
  EXPECT_EQ(got.error, base::ErrorCode::no_backend);
  EXPECT_EQ(open(), 0u);
}

TEST_F(AddressesTest, TheWaitForALookUpEndsWithTheConnectTimeout) {
  entry_.addresses = nullptr;
  entry_.backend->name_state = pool::NameState::pending;
  AcquireOptions wanted = options();
  wanted.connect_timeout = 5ms;
  Got got;
  start(first_, got, wanted);
  run_until([&] { return got.done; });
  EXPECT_EQ(got.error, base::ErrorCode::timeout);
}

}  // namespace
}  // namespace weir::upstream
