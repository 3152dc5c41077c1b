#include "relay/relay.h"

#include "net/turn.h"
#include "tests/unit/net/endless.h"

namespace weir::relay {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTotal = 64 * 1024 * 1024;

class RelayTest : public testing::Test {
 protected:
  RelayTest() { reactor_.adopt_thread(); }
  net::Task<void> relay(std::size_t at_once) {
    net::TcpStream client = net::endless_stream(std::make_unique<net::EndlessPeer>(passed_, kTotal, at_once));
    net::TcpStream backend = net::endless_stream(std::make_unique<net::EndlessPeer>(passed_, 0));
    Relay relay(client, backend, 60s);
    base::Result<void> done = co_await relay.run();
    succeeded_ = done.has_value() && relay.bytes_from_client() == kTotal;
    ended_ = true;
  }
  void run(std::size_t at_once) {
    group_.spawn(net::be_ready(passed_, beside_, ended_));
    group_.spawn(relay(at_once));
    auto give_up = base::now() + 60s;
    while (group_.size() > 0 && base::now() < give_up) reactor_.run_once(base::now() + 10ms);
    ASSERT_EQ(group_.size(), 0u);
  }

  net::Reactor reactor_;
  net::TaskGroup group_;
  net::Passed passed_;
  net::Beside beside_;
  bool ended_ = false;
  bool succeeded_ = false;
};

// A stream with a filter is never spliced: TLS that is decrypted here.
TEST_F(RelayTest, AReadyTaskRunsBesideAFilteredConnectionThatNeverPauses) {
  run(SIZE_MAX);
  EXPECT_TRUE(succeeded_);
  EXPECT_LE(beside_.most_bytes, 2u * (net::Turn::kBytes + 64 * 1024));
}

TEST_F(RelayTest, AReadyTaskRunsBesideManySmallPieces) {
  run(1000);
  EXPECT_TRUE(succeeded_);
  EXPECT_LE(beside_.most_operations, 2u * (net::Turn::kBytes / net::Turn::kOperation + 2));
}

}  // namespace
}  // namespace weir::relay
