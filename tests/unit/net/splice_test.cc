#include "net/splice.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/task_group.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

// Two streams, and the far ends of both.
class SpliceTest : public testing::Test, public SpliceOwner {
 protected:
  SpliceTest() {
    reactor_.adopt_thread();
    from_ = open(from_peer_);
    to_ = open(to_peer_);
  }
  ~SpliceTest() override {
    tasks_.cancel();
    run_until([&] { return tasks_.size() == 0; });
    for (int fd : {from_peer_, to_peer_}) ::close(fd);
  }
  static TcpStream open(int& peer) {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer = ends[1];
    return TcpStream::adopt(ends[0]);
  }
  void run_until(const std::function<bool()>& done) {
    auto give_up = base::now() + 10s;
    while (!done() && base::now() < give_up) reactor_.run_once(base::now() + 1ms);
    EXPECT_TRUE(done());
  }
  std::string arrived() const {
    std::array<char, 65536> bytes;
    ssize_t got = ::recv(to_peer_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  Task<void> move(std::uint64_t bytes) {
    base::Result<Pipe> pipe = Pipe::take();
    SpliceOptions options{
        .bytes = bytes, .patience = 5s, .from_side = base::Side::backend, .to_side = base::Side::client};
    end_ = co_await splice(*pipe, from_, to_, options, *this);
    done_ = true;
  }
  void start(std::uint64_t bytes = UINT64_MAX) { tasks_.spawn(move(bytes)); }

  void taken(std::size_t bytes) override { taken_ += bytes; }
  void sent(std::size_t bytes) override { sent_ += bytes; }
  std::optional<base::TimePoint> pause() override {
    if (!waits_) return std::nullopt;
    return base::TimePoint::max();
  }

  Reactor reactor_;
  int from_peer_ = -1;
  int to_peer_ = -1;
  TcpStream from_, to_;
  TaskGroup tasks_;
  bool waits_ = true;
  bool done_ = false;
  std::size_t taken_ = 0;
  std::size_t sent_ = 0;
  base::Result<SpliceEnd> end_ = SpliceEnd::dry;
};

TEST_F(SpliceTest, MovesSoManyBytesAndLeavesTheRest) {
  ASSERT_EQ(::write(from_peer_, "body and more", 13), 13);
  start(4);
  run_until([&] { return done_; });
  EXPECT_EQ(end_, SpliceEnd::all);
  EXPECT_EQ(arrived(), "body");
  EXPECT_EQ(taken_, 4u);
  EXPECT_EQ(sent_, 4u);
}

TEST_F(SpliceTest, MovesUntilTheEndAndWaitsInBetween) {
  start();
  ASSERT_EQ(::write(from_peer_, "one ", 4), 4);
  run_until([&] { return sent_ == 4; });
  ASSERT_EQ(::write(from_peer_, "two", 3), 3);
  ASSERT_EQ(::shutdown(from_peer_, SHUT_WR), 0);
  run_until([&] { return done_; });
  EXPECT_EQ(end_, SpliceEnd::ended);
  EXPECT_EQ(arrived(), "one two");
}

TEST_F(SpliceTest, RunsDryWhereNoPauseIsWanted) {
  waits_ = false;
  ASSERT_EQ(::write(from_peer_, "all", 3), 3);
  start();
  run_until([&] { return done_; });
  EXPECT_EQ(end_, SpliceEnd::dry);
  EXPECT_EQ(arrived().size(), sent_);
}

TEST_F(SpliceTest, AnErrorHasTheSideOfItsStream) {
  ASSERT_EQ(::write(from_peer_, "lost", 4), 4);
  std::signal(SIGPIPE, SIG_IGN);  // as Weir does
  ::close(std::exchange(to_peer_, -1));
  start();
  run_until([&] { return done_; });
  ASSERT_FALSE(end_);
  EXPECT_EQ(end_.error().side, base::Side::client);
}

}  // namespace
}  // namespace weir::net
