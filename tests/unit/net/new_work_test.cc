// New work begins behind the work that is under way, some pieces at a time (Reactor::begin_later).
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "gtest/gtest.h"

#include "net/reactor.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

Task<void> wait_to_begin(TcpStream stream, std::string name, std::vector<std::string>& begun) {
  base::Result<void> ready = co_await stream.wait_for_work(Reactor::current().now() + 10s);
  begun.push_back(ready ? name : base::name(ready.error().code));
}

Task<void> wait_for_more(TcpStream stream, std::string name, std::vector<std::string>& begun) {
  base::Result<void> ready = co_await stream.wait_readable(Reactor::current().now() + 10s);
  begun.push_back(ready ? name : base::name(ready.error().code));
}

class NewWorkTest : public testing::Test {
 protected:
  NewWorkTest() { reactor_.adopt_thread(); }
  ~NewWorkTest() override {
    group_.cancel();
    for (int i = 0; i < 4; ++i) round();
    for (int fd : peers_) close(fd);
  }
  TcpStream stream() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    peers_.push_back(fds[1]);
    return TcpStream::adopt(fds[0]);
  }
  void send_to_all() {
    for (int fd : peers_) EXPECT_EQ(write(fd, "x", 1), 1);
  }
  void round() { reactor_.run_once(reactor_.now()); }

  Reactor reactor_;
  TaskGroup group_;
  std::vector<int> peers_;
  std::vector<std::string> begun_;
};

TEST_F(NewWorkTest, BeginsBehindTheEventsOfWorkThatIsUnderWay) {
  group_.spawn(wait_to_begin(stream(), "new", begun_));
  group_.spawn(wait_for_more(stream(), "under way", begun_));
  round();
  send_to_all();
  round();
  EXPECT_EQ(begun_, (std::vector<std::string>{"under way", "new"}));
}

TEST_F(NewWorkTest, OfMuchNewWorkOnlySomeBeginsInARoundAndTheRestInTheNextOnesInOrder) {
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.push_back(std::to_string(i));
    group_.spawn(wait_to_begin(stream(), expected.back(), begun_));
  }
  round();
  send_to_all();
  round();
  EXPECT_GT(begun_.size(), 0u);
  EXPECT_LT(begun_.size(), 50u);
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(begun_, expected);
}

TEST_F(NewWorkTest, ReactorDoesNotSleepWhileSomeWaitsForItsTurn) {
  for (int i = 0; i < 100; ++i) group_.spawn(wait_to_begin(stream(), "new", begun_));
  round();
  send_to_all();
  // Would each of these sleep until its time, the test would take a minute.
  for (int i = 0; i < 6; ++i) reactor_.run_once(reactor_.now() + (begun_.size() < 100 ? 10s : 0s));
  EXPECT_EQ(begun_.size(), 100u);
}

TEST_F(NewWorkTest, IsCancelledWhileItWaitsForItsTurn) {
  for (int i = 0; i < 100; ++i) group_.spawn(wait_to_begin(stream(), "new", begun_));
  round();
  send_to_all();
  round();
  std::size_t before = begun_.size();
  group_.cancel();
  for (int i = 0; i < 3; ++i) round();
  ASSERT_EQ(begun_.size(), 100u);
  for (std::size_t i = before; i < begun_.size(); ++i) EXPECT_EQ(begun_[i], "cancelled");
}

}  // namespace
}  // namespace weir::net
