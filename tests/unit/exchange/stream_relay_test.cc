#include "exchange/stream_relay.h"

#include <memory>

#include "gtest/gtest.h"

#include "net/reactor.h"
#include "net/wait.h"

namespace weir::exchange {
namespace {

// Gives so many pieces, each in a round of its own when `slow`, and then its end.
class ScriptedEnd final : public TunnelEnd {
 public:
  ScriptedEnd(int pieces, bool slow) : left_(pieces), slow_(slow) {}
  net::Task<base::Result<std::string_view>> read(base::TimePoint) override {
    if (slow_) co_await net::yield();
    co_return --left_ >= 0 ? std::string_view("\x81\x01x") : std::string_view();
  }
  net::Task<base::Result<void>> write(std::string_view bytes, base::Nanoseconds) override {
    written += bytes;
    co_return base::Result<void>();
  }
  void finish_writing() override { finished = true; }
  void shut_down() override {}
  void cancel_when_broken(net::TaskContext*) override {}
  std::optional<base::Error> broken() const override { return std::nullopt; }

  std::string written;
  bool finished = false;

 private:
  int left_;
  bool slow_;
};

class StreamRelayTest : public testing::Test {
 protected:
  StreamRelayTest() { reactor_.adopt_thread(); }
  ~StreamRelayTest() override { group_.cancel(); }
  net::Task<void> run(TunnelEnd& client, TunnelEnd& backend) {
    auto relay = std::make_unique<StreamRelay>(client, backend, std::chrono::seconds(60));
    relay->follow_websocket({}, {});
    running_ = relay.get();
    base::Result<void> ended = co_await relay->run();
    running_ = nullptr;
    succeeded_ = ended.has_value();
  }

  net::Reactor reactor_;
  net::TaskGroup group_;
  StreamRelay* running_ = nullptr;
  bool succeeded_ = false;
};

TEST_F(StreamRelayTest, CarriesBothWaysUntilBothHaveEnded) {
  ScriptedEnd client(2, true), backend(20, true);
  group_.spawn(run(client, backend));
  while (running_ != nullptr) reactor_.run_once(reactor_.now());
  EXPECT_TRUE(succeeded_);
  EXPECT_EQ(backend.written.size(), 6u);
  EXPECT_EQ(client.written.size(), 60u);
  EXPECT_TRUE(client.finished && backend.finished);
}

net::Task<void> count_turns(const StreamRelay* const& running, int& turns) {
  while (running != nullptr) {
    ++turns;
    co_await net::yield();
  }
}

TEST_F(StreamRelayTest, AReadyTaskRunsBesideEndsThatNeverWait) {
  ScriptedEnd client(100'000, false), backend(0, false);
  int turns = 0;
  group_.spawn(run(client, backend));
  ASSERT_NE(running_, nullptr) << "its first turn has ended";
  const StreamRelay* const& running = running_;
  group_.spawn(count_turns(running, turns));
  while (running_ != nullptr) reactor_.run_once(reactor_.now());
  reactor_.run_once(reactor_.now());
  EXPECT_TRUE(succeeded_);
  EXPECT_GE(turns, 100'000 / (2 * net::Turn::kBytes / net::Turn::kStream));
}

// A message of the control thread comes between two rounds, whatever the relay is at then.
TEST_F(StreamRelayTest, MayBeToldToCloseInAnyRoundUpToItsLast) {
  for (bool slow : {false, true}) {
    for (int rounds = 0; rounds < 45; ++rounds) {
      ScriptedEnd client(0, false), backend(20, slow);
      net::TaskGroup group;
      group.spawn(run(client, backend));
      for (int i = 0; i < rounds && running_ != nullptr; ++i) reactor_.run_once(reactor_.now());
      if (running_ != nullptr) running_->close_websocket(1012);
      auto give_up = base::now() + std::chrono::seconds(20);
      while (running_ != nullptr && base::now() < give_up) {
        reactor_.run_once(reactor_.now() + std::chrono::milliseconds(10));
        group.cancel();  // nobody answers the Close
      }
      ASSERT_EQ(running_, nullptr);
    }
  }
}

}  // namespace
}  // namespace weir::exchange
