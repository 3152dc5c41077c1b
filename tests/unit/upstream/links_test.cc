#include "upstream/links.h"

#include "tests/unit/upstream/connections_fixture.h"

namespace weir::upstream {
namespace {

class LinksTest : public ConnectionsTest {
 protected:
  LinkRequest request(config::PoolProtocol protocol, bool fresh = false) {
    return {.options = options(fresh), .protocol = protocol};
  }
  // Leaves an idle connection behind.
  void use_one() {
    Got got;
    start(first_, got);
    run_until([&] { return got.done; });
    first_.reactor.adopt_thread();
    got.lease.give_back();
  }
  std::optional<Link> take(const LinkRequest& asked) { return first_.links.take(asked); }
};

TEST_F(LinksTest, NothingIsReadyAtFirst) {
  first_.reactor.adopt_thread();
  EXPECT_FALSE(take(request(config::PoolProtocol::http_1_1)));
  EXPECT_FALSE(take(request(config::PoolProtocol::h2)));
  EXPECT_FALSE(take(request(config::PoolProtocol::automatic)));
}

TEST_F(LinksTest, AnIdleConnectionIsTakenWithoutWaiting) {
  use_one();
  std::optional<Link> link = take(request(config::PoolProtocol::http_1_1));
  ASSERT_TRUE(link);
  EXPECT_EQ(link->h2, nullptr);
  EXPECT_TRUE(link->lease.reused());
}

TEST_F(LinksTest, InClearAutomaticMeansHttp1) {
  use_one();
  EXPECT_TRUE(take(request(config::PoolProtocol::automatic)));
}

TEST_F(LinksTest, AnIdleConnectionIsNoLinkOfAnHttp2Pool) {
  use_one();
  EXPECT_FALSE(take(request(config::PoolProtocol::h2)));
}

TEST_F(LinksTest, ALinkThatMustBeNewOrUnsharedIsNotTaken) {
  use_one();
  EXPECT_FALSE(take(request(config::PoolProtocol::http_1_1, true)));
  LinkRequest unshared = request(config::PoolProtocol::http_1_1);
  unshared.options.unshared = true;
  EXPECT_FALSE(take(unshared));
}

}  // namespace
}  // namespace weir::upstream
