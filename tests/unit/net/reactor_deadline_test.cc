// Bytes that have arrived go before the deadline by which they were awaited, however late this thread looks.
#include <algorithm>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "gtest/gtest.h"

#include "net/reactor.h"
#include "net/task_group.h"
#include "net/tcp.h"
#include "net/wait.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

// A manual clock; `before_next_look` happens once, just before somebody reads it: while the thread stood still.
class PausedClock final : public base::Clock {
 public:
  base::TimePoint now() const override {
    if (before_next_look) std::exchange(before_next_look, {})();
    return clock.now();
  }
  mutable base::ManualClock clock;
  mutable std::function<void()> before_next_look;
};

Task<void> read_byte(TcpStream stream, base::TimePoint deadline, std::vector<std::string>& outcomes) {
  char byte;
  base::Result<std::size_t> got = co_await stream.read({&byte, 1}, deadline);
  outcomes.emplace_back(got ? "read" : base::name(got.error().code));
}

Task<void> sleep_once(base::Nanoseconds duration, bool& done) {
  base::Result<void> slept = co_await sleep_for(duration);
  done = slept.has_value();
}

class ReactorDeadlineTest : public testing::Test {
 protected:
  ReactorDeadlineTest() { reactor_.adopt_thread(); }
  ~ReactorDeadlineTest() override {
    group_.cancel();
    rounds(4);
    for (int fd : peers_) close(fd);
  }
  // Spawns a reader with a deadline and returns its peer.
  int await_byte(base::Nanoseconds patience) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    group_.spawn(read_byte(TcpStream::adopt(fds[0]), reactor_.now() + patience, outcomes_));
    peers_.push_back(fds[1]);
    return fds[1];
  }
  static void send_byte(int fd) { EXPECT_EQ(write(fd, "x", 1), 1); }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) reactor_.run_once(reactor_.now());
  }
  std::ptrdiff_t ended_with(const std::string& outcome) const { return std::ranges::count(outcomes_, outcome); }

  PausedClock clock_;
  Reactor reactor_{&clock_};
  TaskGroup group_;
  std::vector<std::string> outcomes_;
  std::vector<int> peers_;
};

TEST_F(ReactorDeadlineTest, InputOfManyConnectionsGoesBeforeTheirDeadlines) {
  constexpr int kConnections = 400;  // more than one round takes
  for (int i = 0; i < kConnections; ++i) await_byte(1s);
  rounds(1);
  for (int fd : peers_) send_byte(fd);
  clock_.clock.advance(3s);
  rounds(4);
  EXPECT_EQ(ended_with("read"), kConnections);
}

TEST_F(ReactorDeadlineTest, InputThatCameWhileTheThreadStoodStillGoesBeforeItsDeadline) {
  int peer = await_byte(1s);
  rounds(1);
  // The kernel was asked before the byte was there, the clock is read after.
  clock_.before_next_look = [this, peer] {
    send_byte(peer);
    clock_.clock.advance(3s);
  };
  rounds(2);
  EXPECT_EQ(outcomes_, std::vector<std::string>{"read"});
}

TEST_F(ReactorDeadlineTest, APeerHasTheTimeThatThisThreadLost) {
  await_byte(1s);
  int slow_peer = await_byte(1s);
  rounds(1);
  clock_.clock.advance(3s);
  rounds(3);
  EXPECT_EQ(outcomes_, std::vector<std::string>{});
  clock_.clock.advance(900ms);
  send_byte(slow_peer);
  rounds(3);
  EXPECT_EQ(outcomes_, std::vector<std::string>{"read"});
  clock_.clock.advance(101ms);
  rounds(3);
  EXPECT_EQ(outcomes_, (std::vector<std::string>{"read", "timeout"}));
}

TEST_F(ReactorDeadlineTest, AThreadThatIsLateAgainAndAgainIsNeverLaterThanOnce) {
  await_byte(1s);
  rounds(1);
  for (int i = 0; i < 40 && outcomes_.empty(); ++i) {
    clock_.clock.advance(200ms);
    rounds(1);
  }
  EXPECT_EQ(outcomes_, std::vector<std::string>{"timeout"});
}

TEST_F(ReactorDeadlineTest, DeadlinesComeInSpiteOfInputThatNeverEnds) {
  // Datagrams that nobody reads are told of in every round.
  std::vector<Descriptor*> noisy;
  for (int i = 0; i < 300; ++i) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    noisy.push_back(Descriptor::open_for_datagrams(fds[0]));
    send_byte(fds[1]);
    peers_.push_back(fds[1]);
  }
  bool done = false;
  group_.spawn(sleep_once(50ms, done));
  rounds(1);
  clock_.clock.advance(60ms);
  rounds(6);
  EXPECT_TRUE(done);
  for (Descriptor* descriptor : noisy) descriptor->close();
}

}  // namespace
}  // namespace weir::net
